-- The first migration: every statement in its order. Made by `python -m core.db.freeze`; not edited by hand.

CREATE EXTENSION IF NOT EXISTS ltree;

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE SEQUENCE case_number MAXVALUE 899999 CYCLE;

CREATE SEQUENCE ab_group_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE;

CREATE TABLE ab_group (
    id INTEGER NOT NULL,
    name VARCHAR(100) NOT NULL,
    label VARCHAR(150),
    description VARCHAR(512),
    CONSTRAINT pk_ab_group PRIMARY KEY (id),
    CONSTRAINT uq_ab_group_name UNIQUE (name)
);

CREATE SEQUENCE ab_permission_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE;

CREATE TABLE ab_permission (
    id INTEGER NOT NULL,
    name VARCHAR(100) NOT NULL,
    CONSTRAINT pk_ab_permission PRIMARY KEY (id),
    CONSTRAINT uq_ab_permission_name UNIQUE (name)
);

CREATE SEQUENCE ab_register_user_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE;

CREATE TABLE ab_register_user (
    id INTEGER NOT NULL,
    first_name VARCHAR(64) NOT NULL,
    last_name VARCHAR(64) NOT NULL,
    username VARCHAR(128) NOT NULL,
    password VARCHAR(256),
    email VARCHAR(320) NOT NULL,
    registration_date TIMESTAMP WITHOUT TIME ZONE,
    registration_hash VARCHAR(256),
    CONSTRAINT pk_ab_register_user PRIMARY KEY (id),
    CONSTRAINT uq_ab_register_user_username UNIQUE (username),
    CONSTRAINT uq_ab_register_user_email UNIQUE (email)
);

CREATE SEQUENCE ab_role_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE;

CREATE TABLE ab_role (
    id INTEGER NOT NULL,
    name VARCHAR(64) NOT NULL,
    CONSTRAINT pk_ab_role PRIMARY KEY (id),
    CONSTRAINT uq_ab_role_name UNIQUE (name)
);

CREATE SEQUENCE ab_view_menu_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE;

CREATE TABLE ab_view_menu (
    id INTEGER NOT NULL,
    name VARCHAR(250) NOT NULL,
    CONSTRAINT pk_ab_view_menu PRIMARY KEY (id),
    CONSTRAINT uq_ab_view_menu_name UNIQUE (name)
);

CREATE TABLE agency (
    id SERIAL NOT NULL,
    uuid UUID NOT NULL,
    key VARCHAR(60) NOT NULL,
    title JSONB NOT NULL,
    settings JSONB DEFAULT '{}' NOT NULL,
    scheme_key VARCHAR(60),
    origin_lon DOUBLE PRECISION NOT NULL,
    origin_lat DOUBLE PRECISION NOT NULL,
    time_zone VARCHAR(60) DEFAULT 'Asia/Shanghai' NOT NULL,
    active BOOLEAN DEFAULT true NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_agency PRIMARY KEY (id),
    CONSTRAINT uq_agency_uuid UNIQUE (uuid),
    CONSTRAINT uq_agency_key UNIQUE (key)
);

CREATE TABLE configuration_epoch (
    id SERIAL NOT NULL,
    value BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_configuration_epoch PRIMARY KEY (id)
);

CREATE TABLE fact_case (
    agency_id INTEGER NOT NULL,
    case_id BIGINT NOT NULL,
    workflow VARCHAR(120) NOT NULL,
    definition_id BIGINT NOT NULL,
    parent_id BIGINT,
    record_id BIGINT,
    grid_id BIGINT,
    department_id BIGINT,
    assignee_id INTEGER,
    reporter_id INTEGER,
    kind VARCHAR(20),
    class_code VARCHAR(40),
    condition VARCHAR(60),
    source VARCHAR(40),
    state VARCHAR(60) NOT NULL,
    category VARCHAR(6) NOT NULL,
    reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    filed_at TIMESTAMP WITH TIME ZONE,
    dispatched_at TIMESTAMP WITH TIME ZONE,
    done_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    missed_at TIMESTAMP WITH TIME ZONE,
    running_due_at TIMESTAMP WITH TIME ZONE,
    owed_at TIMESTAMP WITH TIME ZONE GENERATED ALWAYS AS (LEAST(missed_at, done_at, running_due_at)) STORED,
    counts JSONB NOT NULL,
    facts JSONB NOT NULL,
    chain_length INTEGER NOT NULL,
    chain_head BYTEA,
    CONSTRAINT pk_fact_case PRIMARY KEY (agency_id, case_id)
);

CREATE INDEX ix_fact_case_closed ON fact_case (agency_id, closed_at);

CREATE INDEX ix_fact_case_filed ON fact_case (agency_id, filed_at);

CREATE INDEX ix_fact_case_owed ON fact_case (agency_id, owed_at);

CREATE INDEX ix_fact_case_reported ON fact_case (agency_id, reported_at);

CREATE INDEX ix_fact_case_state ON fact_case (agency_id, state);

CREATE TABLE fact_holding (
    agency_id INTEGER NOT NULL,
    case_id BIGINT NOT NULL,
    department_id BIGINT NOT NULL,
    limit_key VARCHAR(120) NOT NULL,
    workflow VARCHAR(120) NOT NULL,
    grid_id BIGINT,
    given_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_by VARCHAR(40),
    missed_at TIMESTAMP WITH TIME ZONE,
    done_at TIMESTAMP WITH TIME ZONE,
    running_due_at TIMESTAMP WITH TIME ZONE,
    owed_at TIMESTAMP WITH TIME ZONE GENERATED ALWAYS AS (LEAST(missed_at, done_at, running_due_at)) STORED,
    times_done SMALLINT NOT NULL,
    times_given_back SMALLINT NOT NULL,
    times_held_again SMALLINT NOT NULL,
    seconds_held DOUBLE PRECISION NOT NULL,
    is_present BOOLEAN NOT NULL,
    case_state VARCHAR(60) NOT NULL,
    case_counts JSONB NOT NULL,
    CONSTRAINT pk_fact_holding PRIMARY KEY (agency_id, case_id, department_id, limit_key)
);

CREATE INDEX ix_fact_holding_given ON fact_holding (agency_id, given_at);

CREATE INDEX ix_fact_holding_owed ON fact_holding (agency_id, owed_at);

CREATE TABLE fact_task (
    agency_id INTEGER NOT NULL,
    case_id BIGINT NOT NULL,
    sequence INTEGER NOT NULL,
    workflow VARCHAR(120) NOT NULL,
    limit_key VARCHAR(120) NOT NULL,
    verb VARCHAR(40),
    state VARCHAR(60) NOT NULL,
    to_state VARCHAR(60),
    person_id INTEGER,
    department_id BIGINT,
    grid_id BIGINT,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    in_time BOOLEAN,
    is_superseded BOOLEAN NOT NULL,
    owed_at TIMESTAMP WITH TIME ZONE GENERATED ALWAYS AS (LEAST(due_at, ended_at)) STORED,
    CONSTRAINT pk_fact_task PRIMARY KEY (agency_id, case_id, sequence)
);

CREATE INDEX ix_fact_task_ended ON fact_task (agency_id, ended_at);

CREATE INDEX ix_fact_task_owed ON fact_task (agency_id, owed_at);

CREATE TABLE heartbeat (
    name VARCHAR(200) NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_heartbeat PRIMARY KEY (name)
);

CREATE TABLE sign_in_count (
    key VARCHAR(80) NOT NULL,
    tries INTEGER NOT NULL,
    window_started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    locked_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_sign_in_count PRIMARY KEY (key)
);

CREATE INDEX ix_sign_in_count_window_started_at ON sign_in_count (window_started_at);

CREATE TABLE unsound_plugin (
    plugin VARCHAR(60) NOT NULL,
    problems JSONB NOT NULL,
    count INTEGER NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_unsound_plugin PRIMARY KEY (plugin)
);

CREATE SEQUENCE ab_group_role_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE;

CREATE TABLE ab_group_role (
    id INTEGER NOT NULL,
    group_id INTEGER,
    role_id INTEGER,
    CONSTRAINT pk_ab_group_role PRIMARY KEY (id),
    CONSTRAINT uq_ab_group_role_group_id_role_id UNIQUE (group_id, role_id),
    CONSTRAINT fk_ab_group_role_group_id FOREIGN KEY(group_id) REFERENCES ab_group (id) ON DELETE CASCADE,
    CONSTRAINT fk_ab_group_role_role_id FOREIGN KEY(role_id) REFERENCES ab_role (id) ON DELETE CASCADE
);

CREATE INDEX idx_group_id ON ab_group_role (group_id);

CREATE INDEX idx_group_role_id ON ab_group_role (role_id);

CREATE SEQUENCE ab_permission_view_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE;

CREATE TABLE ab_permission_view (
    id INTEGER NOT NULL,
    permission_id INTEGER NOT NULL,
    view_menu_id INTEGER NOT NULL,
    CONSTRAINT pk_ab_permission_view PRIMARY KEY (id),
    CONSTRAINT uq_ab_permission_view_permission_id_view_menu_id UNIQUE (permission_id, view_menu_id),
    CONSTRAINT fk_ab_permission_view_permission_id FOREIGN KEY(permission_id) REFERENCES ab_permission (id),
    CONSTRAINT fk_ab_permission_view_view_menu_id FOREIGN KEY(view_menu_id) REFERENCES ab_view_menu (id)
);

CREATE INDEX idx_permission_id ON ab_permission_view (permission_id);

CREATE INDEX idx_view_menu_id ON ab_permission_view (view_menu_id);

CREATE SEQUENCE ab_user_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE;

CREATE TABLE ab_user (
    id INTEGER NOT NULL,
    first_name VARCHAR(64) NOT NULL,
    last_name VARCHAR(64) NOT NULL,
    username VARCHAR(128) NOT NULL,
    password VARCHAR(256),
    active BOOLEAN,
    email VARCHAR(320),
    last_login TIMESTAMP WITHOUT TIME ZONE,
    login_count INTEGER,
    fail_login_count INTEGER,
    created_on TIMESTAMP WITHOUT TIME ZONE,
    changed_on TIMESTAMP WITHOUT TIME ZONE,
    created_by_fk INTEGER,
    changed_by_fk INTEGER,
    home_agency_id INTEGER,
    locale VARCHAR,
    password_changed_at TIMESTAMP WITH TIME ZONE,
    must_change_password BOOLEAN DEFAULT false NOT NULL,
    is_installation_admin BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_ab_user PRIMARY KEY (id),
    CONSTRAINT uq_ab_user_username UNIQUE (username),
    CONSTRAINT uq_ab_user_email UNIQUE (email),
    CONSTRAINT fk_ab_user_created_by_fk FOREIGN KEY(created_by_fk) REFERENCES ab_user (id),
    CONSTRAINT fk_ab_user_changed_by_fk FOREIGN KEY(changed_by_fk) REFERENCES ab_user (id),
    CONSTRAINT fk_ab_user_home_agency_id FOREIGN KEY(home_agency_id) REFERENCES agency (id)
);

CREATE TABLE audit_entry (
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    user_id INTEGER,
    action VARCHAR(120) NOT NULL,
    subject VARCHAR(160) NOT NULL,
    "old" JSONB,
    "new" JSONB,
    request_id VARCHAR(64) DEFAULT '' NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_audit_entry PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_audit_entry_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_audit_entry_at ON audit_entry (agency_id, at);

CREATE INDEX ix_audit_entry_subject ON audit_entry (agency_id, subject, id);

CREATE TABLE department (
    uuid UUID NOT NULL,
    code VARCHAR(60) NOT NULL,
    name VARCHAR(120) NOT NULL,
    name_pinyin VARCHAR(400) DEFAULT '' NOT NULL,
    path ltree NOT NULL,
    parent_id BIGINT,
    kind VARCHAR(40) DEFAULT 'department' NOT NULL,
    active BOOLEAN DEFAULT true NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_department PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_department_agency_id_parent_id FOREIGN KEY(agency_id, parent_id) REFERENCES department (agency_id, id),
    CONSTRAINT uq_department_agency_id_code UNIQUE (agency_id, code),
    CONSTRAINT uq_department_agency_id_uuid UNIQUE (agency_id, uuid),
    CONSTRAINT fk_department_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_department_parent_id ON department (agency_id, parent_id);

CREATE INDEX ix_department_path ON department USING gist (path);

CREATE TABLE fact_progress (
    agency_id INTEGER NOT NULL,
    event_id BIGINT DEFAULT 0 NOT NULL,
    known_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    told_event_id BIGINT DEFAULT 0 NOT NULL,
    pending_event_id BIGINT,
    pending_xid BIGINT,
    pending_at TIMESTAMP WITH TIME ZONE,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    last_error TEXT,
    rebuilt_at TIMESTAMP WITH TIME ZONE,
    checked_at TIMESTAMP WITH TIME ZONE,
    differences BIGINT,
    CONSTRAINT pk_fact_progress PRIMARY KEY (agency_id),
    CONSTRAINT fk_fact_progress_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE FUNCTION agency_has_facts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
    INSERT INTO public.fact_progress (agency_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $body$;
REVOKE ALL ON FUNCTION agency_has_facts() FROM PUBLIC;
CREATE TRIGGER agency_has_facts AFTER INSERT ON agency FOR EACH ROW EXECUTE FUNCTION agency_has_facts();

CREATE TABLE grid_scheme (
    id SERIAL NOT NULL,
    uuid UUID NOT NULL,
    key VARCHAR(40) NOT NULL,
    title JSONB NOT NULL,
    owner_agency_id INTEGER,
    origin_lon DOUBLE PRECISION NOT NULL,
    origin_lat DOUBLE PRECISION NOT NULL,
    land BIGINT DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_grid_scheme PRIMARY KEY (id),
    CONSTRAINT uq_grid_scheme_id_owner_agency_id UNIQUE (id, owner_agency_id),
    CONSTRAINT uq_grid_scheme_uuid UNIQUE (uuid),
    CONSTRAINT uq_grid_scheme_key UNIQUE (key),
    CONSTRAINT fk_grid_scheme_owner_agency_id FOREIGN KEY(owner_agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_grid_scheme_owner_agency_id ON grid_scheme (owner_agency_id);

CREATE TABLE holiday (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    agency_id INTEGER,
    day DATE NOT NULL,
    kind VARCHAR(20) NOT NULL,
    title JSONB NOT NULL,
    source VARCHAR(60) NOT NULL,
    CONSTRAINT pk_holiday PRIMARY KEY (id),
    CONSTRAINT uq_holiday_agency_id_day UNIQUE NULLS NOT DISTINCT (agency_id, day),
    CONSTRAINT ck_holiday_kind CHECK (kind IN ('day_off', 'working_day')),
    CONSTRAINT fk_holiday_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_holiday_day ON holiday (day);

CREATE TABLE holiday_year (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    agency_id INTEGER,
    year INTEGER NOT NULL,
    source VARCHAR(60) NOT NULL,
    CONSTRAINT pk_holiday_year PRIMARY KEY (id),
    CONSTRAINT uq_holiday_year_agency_id_year UNIQUE NULLS NOT DISTINCT (agency_id, year),
    CONSTRAINT ck_holiday_year_year CHECK (year BETWEEN 1970 AND 2199),
    CONSTRAINT fk_holiday_year_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE TABLE idempotency_key (
    agency_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    key VARCHAR(128) NOT NULL,
    request_hash BYTEA NOT NULL,
    status INTEGER,
    body JSONB,
    etag VARCHAR(40),
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_idempotency_key PRIMARY KEY (agency_id, user_id, key),
    CONSTRAINT fk_idempotency_key_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_idempotency_key_created_at ON idempotency_key (created_at);

CREATE TABLE outbox (
    topic VARCHAR(120) NOT NULL,
    payload JSONB NOT NULL,
    state VARCHAR(12) DEFAULT 'waiting' NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    attempts SMALLINT DEFAULT '0' NOT NULL,
    last_error VARCHAR,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    done_at TIMESTAMP WITH TIME ZONE,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_outbox PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_outbox_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_outbox_waiting ON outbox (due_at) WHERE state = 'waiting';

CREATE TABLE post (
    key VARCHAR(60) NOT NULL,
    title JSONB NOT NULL,
    active BOOLEAN DEFAULT true NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_post PRIMARY KEY (agency_id, id),
    CONSTRAINT uq_post_agency_id_key UNIQUE (agency_id, key),
    CONSTRAINT fk_post_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE TABLE record_serial (
    ledger_key VARCHAR(100) NOT NULL,
    prefix VARCHAR(64) NOT NULL,
    last BIGINT NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_record_serial PRIMARY KEY (agency_id, id),
    CONSTRAINT uq_record_serial_agency_id_ledger_key_prefix UNIQUE (agency_id, ledger_key, prefix),
    CONSTRAINT fk_record_serial_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE TABLE role (
    key VARCHAR(120) NOT NULL,
    title JSONB NOT NULL,
    rights JSONB DEFAULT '[]' NOT NULL,
    excludes JSONB DEFAULT '[]' NOT NULL,
    scope VARCHAR(20) DEFAULT 'agency' NOT NULL,
    requires_second_factor BOOLEAN DEFAULT false NOT NULL,
    from_definition BOOLEAN DEFAULT false NOT NULL,
    active BOOLEAN DEFAULT true NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_role PRIMARY KEY (agency_id, id),
    CONSTRAINT uq_role_agency_id_key UNIQUE (agency_id, key),
    CONSTRAINT fk_role_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE TABLE snapshot (
    base_id BIGINT,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    event_id BIGINT NOT NULL,
    cases INTEGER NOT NULL,
    sha256 BYTEA NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_snapshot PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_snapshot_agency_id_base_id FOREIGN KEY(agency_id, base_id) REFERENCES snapshot (agency_id, id),
    CONSTRAINT fk_snapshot_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE FUNCTION frozen_rows_stand() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $body$;

CREATE TRIGGER frozen_rows_stand BEFORE UPDATE OR TRUNCATE ON snapshot FOR EACH STATEMENT EXECUTE FUNCTION frozen_rows_stand();

CREATE SEQUENCE ab_api_key_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE;

CREATE TABLE ab_api_key (
    id INTEGER NOT NULL,
    uuid VARCHAR(36) NOT NULL,
    name VARCHAR(256) NOT NULL,
    key_hash VARCHAR(256) NOT NULL,
    lookup_hash VARCHAR(256),
    key_prefix VARCHAR(16) NOT NULL,
    user_id INTEGER NOT NULL,
    scopes TEXT,
    active BOOLEAN NOT NULL,
    created_on TIMESTAMP WITHOUT TIME ZONE,
    expires_on TIMESTAMP WITHOUT TIME ZONE,
    revoked_on TIMESTAMP WITHOUT TIME ZONE,
    last_used_on TIMESTAMP WITHOUT TIME ZONE,
    CONSTRAINT pk_ab_api_key PRIMARY KEY (id),
    CONSTRAINT uq_ab_api_key_uuid UNIQUE (uuid),
    CONSTRAINT uq_ab_api_key_lookup_hash UNIQUE (lookup_hash),
    CONSTRAINT fk_ab_api_key_user_id FOREIGN KEY(user_id) REFERENCES ab_user (id) ON DELETE CASCADE
);

CREATE INDEX idx_api_key_prefix ON ab_api_key (key_prefix);

CREATE INDEX idx_api_key_user_id ON ab_api_key (user_id);

CREATE UNIQUE INDEX idx_api_key_lookup_hash ON ab_api_key (lookup_hash);

CREATE SEQUENCE ab_permission_view_role_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE;

CREATE TABLE ab_permission_view_role (
    id INTEGER NOT NULL,
    permission_view_id INTEGER,
    role_id INTEGER,
    CONSTRAINT pk_ab_permission_view_role PRIMARY KEY (id),
    CONSTRAINT uq_ab_permission_view_role_permission_view_id_role_id UNIQUE (permission_view_id, role_id),
    CONSTRAINT fk_ab_permission_view_role_permission_view_id FOREIGN KEY(permission_view_id) REFERENCES ab_permission_view (id) ON DELETE CASCADE,
    CONSTRAINT fk_ab_permission_view_role_role_id FOREIGN KEY(role_id) REFERENCES ab_role (id) ON DELETE CASCADE
);

CREATE INDEX idx_permission_view_id ON ab_permission_view_role (permission_view_id);

CREATE INDEX idx_role_id ON ab_permission_view_role (role_id);

CREATE SEQUENCE ab_user_group_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE;

CREATE TABLE ab_user_group (
    id INTEGER NOT NULL,
    user_id INTEGER,
    group_id INTEGER,
    CONSTRAINT pk_ab_user_group PRIMARY KEY (id),
    CONSTRAINT uq_ab_user_group_user_id_group_id UNIQUE (user_id, group_id),
    CONSTRAINT fk_ab_user_group_user_id FOREIGN KEY(user_id) REFERENCES ab_user (id) ON DELETE CASCADE,
    CONSTRAINT fk_ab_user_group_group_id FOREIGN KEY(group_id) REFERENCES ab_group (id) ON DELETE CASCADE
);

CREATE INDEX idx_user_group_id ON ab_user_group (group_id);

CREATE INDEX idx_user_id ON ab_user_group (user_id);

CREATE SEQUENCE ab_user_role_id_seq INCREMENT BY 1 START WITH 1 MINVALUE 1 NO CYCLE;

CREATE TABLE ab_user_role (
    id INTEGER NOT NULL,
    user_id INTEGER,
    role_id INTEGER,
    CONSTRAINT pk_ab_user_role PRIMARY KEY (id),
    CONSTRAINT uq_ab_user_role_user_id_role_id UNIQUE (user_id, role_id),
    CONSTRAINT fk_ab_user_role_user_id FOREIGN KEY(user_id) REFERENCES ab_user (id) ON DELETE CASCADE,
    CONSTRAINT fk_ab_user_role_role_id FOREIGN KEY(role_id) REFERENCES ab_role (id) ON DELETE CASCADE
);

CREATE TABLE agency_office_hours (
    agency_id INTEGER NOT NULL,
    spans JSONB NOT NULL,
    work_day_hours DOUBLE PRECISION NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_by_id INTEGER,
    CONSTRAINT pk_agency_office_hours PRIMARY KEY (agency_id),
    CONSTRAINT fk_agency_office_hours_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id),
    CONSTRAINT fk_agency_office_hours_changed_by_id FOREIGN KEY(changed_by_id) REFERENCES ab_user (id)
);

CREATE TABLE agency_plugin (
    agency_id INTEGER NOT NULL,
    plugin VARCHAR(60) NOT NULL,
    enabled BOOLEAN NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_by_id INTEGER,
    CONSTRAINT pk_agency_plugin PRIMARY KEY (agency_id, plugin),
    CONSTRAINT fk_agency_plugin_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id),
    CONSTRAINT fk_agency_plugin_changed_by_id FOREIGN KEY(changed_by_id) REFERENCES ab_user (id)
);

CREATE TABLE attachment (
    uuid UUID NOT NULL,
    owner_id INTEGER,
    name VARCHAR(200) NOT NULL,
    content_type VARCHAR(80) NOT NULL,
    size BIGINT NOT NULL,
    digest VARCHAR(64) NOT NULL,
    stage VARCHAR(20),
    lon DOUBLE PRECISION,
    lat DOUBLE PRECISION,
    accuracy DOUBLE PRECISION,
    taken_at TIMESTAMP WITH TIME ZONE,
    details JSONB DEFAULT '{}' NOT NULL,
    has_thumbnail BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_attachment PRIMARY KEY (agency_id, id),
    CONSTRAINT uq_attachment_agency_id_uuid UNIQUE (agency_id, uuid),
    CONSTRAINT fk_attachment_owner_id FOREIGN KEY(owner_id) REFERENCES ab_user (id),
    CONSTRAINT fk_attachment_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_attachment_digest ON attachment (agency_id, owner_id, digest);

CREATE TABLE auth_session (
    id UUID NOT NULL,
    user_id INTEGER NOT NULL,
    kind VARCHAR(12) NOT NULL,
    second_factor BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    revoked_why VARCHAR(40),
    refresh_number INTEGER DEFAULT '0' NOT NULL,
    address_digest BYTEA,
    CONSTRAINT pk_auth_session PRIMARY KEY (id),
    CONSTRAINT ck_auth_session_kind CHECK (kind IN ('cookie', 'token')),
    CONSTRAINT fk_auth_session_user_id FOREIGN KEY(user_id) REFERENCES ab_user (id)
);

CREATE INDEX ix_auth_session_expires_at ON auth_session (expires_at);

CREATE INDEX ix_auth_session_user_id ON auth_session (user_id);

CREATE TABLE definition (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    agency_id INTEGER,
    kind VARCHAR(20) NOT NULL,
    key VARCHAR(100) NOT NULL,
    version INTEGER NOT NULL,
    status VARCHAR(12) NOT NULL,
    content JSON NOT NULL,
    checksum VARCHAR(64) NOT NULL,
    origin VARCHAR(200) NOT NULL,
    base_version INTEGER,
    conflicts JSONB,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    created_by_id INTEGER,
    published_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_definition PRIMARY KEY (id),
    CONSTRAINT uq_definition_agency_id_kind_key_version UNIQUE NULLS NOT DISTINCT (agency_id, kind, key, version),
    CONSTRAINT ck_definition_status CHECK (status IN ('draft', 'published', 'retired')),
    CONSTRAINT ck_definition_published_at CHECK ((status = 'draft') = (published_at IS NULL)),
    CONSTRAINT ck_definition_version CHECK (version > 0),
    CONSTRAINT fk_definition_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id),
    CONSTRAINT fk_definition_created_by_id FOREIGN KEY(created_by_id) REFERENCES ab_user (id)
);

CREATE UNIQUE INDEX ix_definition_one_draft ON definition (agency_id, kind, key) NULLS NOT DISTINCT WHERE status = 'draft';

CREATE OR REPLACE FUNCTION definition_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.status <> 'draft' THEN
      RAISE EXCEPTION 'definition % is published and cannot be deleted', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
  END IF;
  IF (OLD.id, OLD.kind, OLD.key, OLD.version) IS DISTINCT FROM (NEW.id, NEW.kind, NEW.key, NEW.version)
     OR OLD.agency_id IS DISTINCT FROM NEW.agency_id THEN
    RAISE EXCEPTION 'the identity of definition % cannot be changed', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.status <> 'draft' THEN
    IF OLD.content::text IS DISTINCT FROM NEW.content::text
       OR (OLD.checksum, OLD.origin, OLD.base_version, OLD.conflicts, OLD.created_at, OLD.created_by_id, OLD.published_at)
          IS DISTINCT FROM
          (NEW.checksum, NEW.origin, NEW.base_version, NEW.conflicts, NEW.created_at, NEW.created_by_id, NEW.published_at) THEN
      RAISE EXCEPTION 'definition % is published and cannot be changed', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status <> OLD.status AND NOT (OLD.status = 'published' AND NEW.status = 'retired') THEN
      RAISE EXCEPTION 'definition % cannot go from % to %', OLD.id, OLD.status, NEW.status USING ERRCODE = 'restrict_violation';
    END IF;
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER definition_guard BEFORE UPDATE OR DELETE ON definition FOR EACH ROW EXECUTE FUNCTION definition_guard();

CREATE TABLE frozen_answer (
    snapshot_id BIGINT NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT NOT NULL,
    survey_key VARCHAR(120) NOT NULL,
    case_id BIGINT,
    grid_id BIGINT,
    department_id BIGINT,
    answered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    points NUMERIC(7, 2) NOT NULL,
    data JSONB NOT NULL,
    CONSTRAINT pk_frozen_answer PRIMARY KEY (snapshot_id, agency_id, id)
);

CREATE FUNCTION frozen_answer_is_settled() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM (SELECT DISTINCT agency_id, snapshot_id AS place FROM touched) AS touched
    JOIN publication ON publication.agency_id = touched.agency_id AND publication.snapshot_id = touched.place
    WHERE publication.state = 'published'
  ) THEN
    RAISE EXCEPTION 'rows of frozen_answer belong to a publication and cannot be changed' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $body$;
CREATE TRIGGER frozen_answer_is_settled_on_insert AFTER INSERT ON frozen_answer
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION frozen_answer_is_settled();
CREATE TRIGGER frozen_answer_is_settled_on_delete AFTER DELETE ON frozen_answer
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION frozen_answer_is_settled();

CREATE TRIGGER frozen_rows_stand BEFORE UPDATE OR TRUNCATE ON frozen_answer FOR EACH STATEMENT EXECUTE FUNCTION frozen_rows_stand();

CREATE TABLE frozen_case (
    snapshot_id BIGINT NOT NULL,
    agency_id INTEGER NOT NULL,
    case_id BIGINT NOT NULL,
    workflow VARCHAR(120) NOT NULL,
    definition_id BIGINT NOT NULL,
    parent_id BIGINT,
    record_id BIGINT,
    grid_id BIGINT,
    department_id BIGINT,
    assignee_id INTEGER,
    reporter_id INTEGER,
    kind VARCHAR(20),
    class_code VARCHAR(40),
    condition VARCHAR(60),
    source VARCHAR(40),
    state VARCHAR(60) NOT NULL,
    category VARCHAR(6) NOT NULL,
    reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    filed_at TIMESTAMP WITH TIME ZONE,
    dispatched_at TIMESTAMP WITH TIME ZONE,
    done_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    missed_at TIMESTAMP WITH TIME ZONE,
    running_due_at TIMESTAMP WITH TIME ZONE,
    owed_at TIMESTAMP WITH TIME ZONE GENERATED ALWAYS AS (LEAST(missed_at, done_at, running_due_at)) STORED,
    counts JSONB NOT NULL,
    facts JSONB NOT NULL,
    chain_length INTEGER NOT NULL,
    chain_head BYTEA,
    CONSTRAINT pk_frozen_case PRIMARY KEY (snapshot_id, agency_id, case_id)
);

CREATE INDEX ix_frozen_case_case ON frozen_case (agency_id, case_id);

CREATE FUNCTION frozen_case_is_settled() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM (SELECT DISTINCT agency_id, snapshot_id AS place FROM touched) AS touched
    JOIN publication ON publication.agency_id = touched.agency_id AND publication.snapshot_id = touched.place
    WHERE publication.state = 'published'
  ) THEN
    RAISE EXCEPTION 'rows of frozen_case belong to a publication and cannot be changed' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $body$;
CREATE TRIGGER frozen_case_is_settled_on_insert AFTER INSERT ON frozen_case
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION frozen_case_is_settled();
CREATE TRIGGER frozen_case_is_settled_on_delete AFTER DELETE ON frozen_case
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION frozen_case_is_settled();

CREATE TRIGGER frozen_rows_stand BEFORE UPDATE OR TRUNCATE ON frozen_case FOR EACH STATEMENT EXECUTE FUNCTION frozen_rows_stand();

CREATE TABLE frozen_holding (
    snapshot_id BIGINT NOT NULL,
    agency_id INTEGER NOT NULL,
    case_id BIGINT NOT NULL,
    department_id BIGINT NOT NULL,
    limit_key VARCHAR(120) NOT NULL,
    workflow VARCHAR(120) NOT NULL,
    grid_id BIGINT,
    given_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_by VARCHAR(40),
    missed_at TIMESTAMP WITH TIME ZONE,
    done_at TIMESTAMP WITH TIME ZONE,
    running_due_at TIMESTAMP WITH TIME ZONE,
    owed_at TIMESTAMP WITH TIME ZONE GENERATED ALWAYS AS (LEAST(missed_at, done_at, running_due_at)) STORED,
    times_done SMALLINT NOT NULL,
    times_given_back SMALLINT NOT NULL,
    times_held_again SMALLINT NOT NULL,
    seconds_held DOUBLE PRECISION NOT NULL,
    is_present BOOLEAN NOT NULL,
    case_state VARCHAR(60) NOT NULL,
    case_counts JSONB NOT NULL,
    CONSTRAINT pk_frozen_holding PRIMARY KEY (snapshot_id, agency_id, case_id, department_id, limit_key)
);

CREATE FUNCTION frozen_holding_is_settled() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM (SELECT DISTINCT agency_id, snapshot_id AS place FROM touched) AS touched
    JOIN publication ON publication.agency_id = touched.agency_id AND publication.snapshot_id = touched.place
    WHERE publication.state = 'published'
  ) THEN
    RAISE EXCEPTION 'rows of frozen_holding belong to a publication and cannot be changed' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $body$;
CREATE TRIGGER frozen_holding_is_settled_on_insert AFTER INSERT ON frozen_holding
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION frozen_holding_is_settled();
CREATE TRIGGER frozen_holding_is_settled_on_delete AFTER DELETE ON frozen_holding
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION frozen_holding_is_settled();

CREATE TRIGGER frozen_rows_stand BEFORE UPDATE OR TRUNCATE ON frozen_holding FOR EACH STATEMENT EXECUTE FUNCTION frozen_rows_stand();

CREATE TABLE frozen_record (
    snapshot_id BIGINT NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT NOT NULL,
    ledger_key VARCHAR(100) NOT NULL,
    code VARCHAR(64) COLLATE "C" NOT NULL,
    title VARCHAR(300) NOT NULL,
    version INTEGER NOT NULL,
    grid_id BIGINT,
    department_id INTEGER,
    departments JSONB NOT NULL,
    state VARCHAR(40) NOT NULL,
    data JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by_id INTEGER,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_frozen_record PRIMARY KEY (snapshot_id, agency_id, id)
);

CREATE FUNCTION frozen_record_is_settled() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM (SELECT DISTINCT agency_id, snapshot_id AS place FROM touched) AS touched
    JOIN publication ON publication.agency_id = touched.agency_id AND publication.snapshot_id = touched.place
    WHERE publication.state = 'published'
  ) THEN
    RAISE EXCEPTION 'rows of frozen_record belong to a publication and cannot be changed' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $body$;
CREATE TRIGGER frozen_record_is_settled_on_insert AFTER INSERT ON frozen_record
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION frozen_record_is_settled();
CREATE TRIGGER frozen_record_is_settled_on_delete AFTER DELETE ON frozen_record
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION frozen_record_is_settled();

CREATE TRIGGER frozen_rows_stand BEFORE UPDATE OR TRUNCATE ON frozen_record FOR EACH STATEMENT EXECUTE FUNCTION frozen_rows_stand();

CREATE TABLE frozen_task (
    snapshot_id BIGINT NOT NULL,
    agency_id INTEGER NOT NULL,
    case_id BIGINT NOT NULL,
    sequence INTEGER NOT NULL,
    workflow VARCHAR(120) NOT NULL,
    limit_key VARCHAR(120) NOT NULL,
    verb VARCHAR(40),
    state VARCHAR(60) NOT NULL,
    to_state VARCHAR(60),
    person_id INTEGER,
    department_id BIGINT,
    grid_id BIGINT,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    in_time BOOLEAN,
    is_superseded BOOLEAN NOT NULL,
    owed_at TIMESTAMP WITH TIME ZONE GENERATED ALWAYS AS (LEAST(due_at, ended_at)) STORED,
    CONSTRAINT pk_frozen_task PRIMARY KEY (snapshot_id, agency_id, case_id, sequence)
);

CREATE FUNCTION frozen_task_is_settled() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM (SELECT DISTINCT agency_id, snapshot_id AS place FROM touched) AS touched
    JOIN publication ON publication.agency_id = touched.agency_id AND publication.snapshot_id = touched.place
    WHERE publication.state = 'published'
  ) THEN
    RAISE EXCEPTION 'rows of frozen_task belong to a publication and cannot be changed' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $body$;
CREATE TRIGGER frozen_task_is_settled_on_insert AFTER INSERT ON frozen_task
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION frozen_task_is_settled();
CREATE TRIGGER frozen_task_is_settled_on_delete AFTER DELETE ON frozen_task
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION frozen_task_is_settled();

CREATE TRIGGER frozen_rows_stand BEFORE UPDATE OR TRUNCATE ON frozen_task FOR EACH STATEMENT EXECUTE FUNCTION frozen_rows_stand();

CREATE TABLE grid_change (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    scheme_id INTEGER NOT NULL,
    kind VARCHAR(10) NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    user_id INTEGER,
    reason VARCHAR(500) NOT NULL,
    CONSTRAINT pk_grid_change PRIMARY KEY (id),
    CONSTRAINT ck_grid_change_kind CHECK (kind IN ('split', 'merge')),
    CONSTRAINT fk_grid_change_scheme_id FOREIGN KEY(scheme_id) REFERENCES grid_scheme (id),
    CONSTRAINT fk_grid_change_user_id FOREIGN KEY(user_id) REFERENCES ab_user (id)
);

CREATE INDEX ix_grid_change_scheme_id ON grid_change (scheme_id, id);

CREATE TABLE grid_level (
    id SERIAL NOT NULL,
    scheme_id INTEGER NOT NULL,
    key VARCHAR(40) NOT NULL,
    title JSONB NOT NULL,
    depth SMALLINT NOT NULL,
    code_digits SMALLINT,
    code_within VARCHAR(40),
    CONSTRAINT pk_grid_level PRIMARY KEY (id),
    CONSTRAINT uq_grid_level_scheme_id_key UNIQUE (scheme_id, key),
    CONSTRAINT uq_grid_level_scheme_id_depth UNIQUE (scheme_id, depth),
    CONSTRAINT uq_grid_level_scheme_id_id UNIQUE (scheme_id, id),
    CONSTRAINT fk_grid_level_scheme_id FOREIGN KEY(scheme_id) REFERENCES grid_scheme (id) ON DELETE CASCADE
);

CREATE TABLE grid_scheme_share (
    scheme_id INTEGER NOT NULL,
    agency_id INTEGER NOT NULL,
    shared_by_id INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_grid_scheme_share PRIMARY KEY (scheme_id, agency_id),
    CONSTRAINT fk_grid_scheme_share_scheme_id_shared_by_id FOREIGN KEY(scheme_id, shared_by_id) REFERENCES grid_scheme (id, owner_agency_id) ON DELETE CASCADE,
    CONSTRAINT fk_grid_scheme_share_scheme_id FOREIGN KEY(scheme_id) REFERENCES grid_scheme (id) ON DELETE CASCADE,
    CONSTRAINT fk_grid_scheme_share_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_grid_scheme_share_shared_by_id ON grid_scheme_share (shared_by_id);

CREATE TABLE member (
    user_id INTEGER NOT NULL,
    department_id BIGINT,
    post_id BIGINT,
    name_pinyin VARCHAR(400) DEFAULT '' NOT NULL,
    employee_number VARCHAR(60),
    phone VARCHAR(40),
    id_number VARCHAR(40),
    active BOOLEAN DEFAULT true NOT NULL,
    left_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT '1' NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_member PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_member_agency_id_department_id FOREIGN KEY(agency_id, department_id) REFERENCES department (agency_id, id),
    CONSTRAINT fk_member_agency_id_post_id FOREIGN KEY(agency_id, post_id) REFERENCES post (agency_id, id),
    CONSTRAINT uq_member_agency_id_user_id UNIQUE (agency_id, user_id),
    CONSTRAINT uq_member_agency_id_employee_number UNIQUE (agency_id, employee_number),
    CONSTRAINT fk_member_user_id FOREIGN KEY(user_id) REFERENCES ab_user (id),
    CONSTRAINT fk_member_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_member_department_id ON member (agency_id, department_id);

CREATE INDEX ix_member_name_pinyin ON member (agency_id, name_pinyin, user_id);

CREATE INDEX ix_member_user_id ON member (user_id);

CREATE TABLE notice (
    user_id INTEGER NOT NULL,
    topic VARCHAR(60) NOT NULL,
    subject VARCHAR(160) NOT NULL,
    title JSONB NOT NULL,
    source VARCHAR(80) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    read_at TIMESTAMP WITH TIME ZONE,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_notice PRIMARY KEY (agency_id, id),
    CONSTRAINT uq_notice_agency_id_source_user_id UNIQUE (agency_id, source, user_id),
    CONSTRAINT fk_notice_user_id FOREIGN KEY(user_id) REFERENCES ab_user (id),
    CONSTRAINT fk_notice_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_notice_inbox ON notice (agency_id, user_id, id DESC);

CREATE INDEX ix_notice_unread ON notice (agency_id, user_id) WHERE read_at IS NULL;

CREATE TABLE notice_channel (
    user_id INTEGER,
    title VARCHAR(120) NOT NULL,
    kind VARCHAR(40) NOT NULL,
    sealed_url VARCHAR NOT NULL,
    topics JSONB DEFAULT '[]' NOT NULL,
    active BOOLEAN DEFAULT true NOT NULL,
    for_residents BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_notice_channel PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_notice_channel_user_id FOREIGN KEY(user_id) REFERENCES ab_user (id),
    CONSTRAINT fk_notice_channel_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_notice_channel_user_id ON notice_channel (user_id);

CREATE TABLE second_factor (
    user_id INTEGER NOT NULL,
    salt BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    confirmed_at TIMESTAMP WITH TIME ZONE,
    last_step BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_second_factor PRIMARY KEY (user_id),
    CONSTRAINT fk_second_factor_user_id FOREIGN KEY(user_id) REFERENCES ab_user (id)
);

CREATE TABLE sign_in_record (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    user_id INTEGER,
    outcome VARCHAR(40) NOT NULL,
    kind VARCHAR(12) NOT NULL,
    address VARCHAR(60) DEFAULT '' NOT NULL,
    CONSTRAINT pk_sign_in_record PRIMARY KEY (id),
    CONSTRAINT fk_sign_in_record_user_id FOREIGN KEY(user_id) REFERENCES ab_user (id)
);

CREATE INDEX ix_sign_in_record_at ON sign_in_record (at);

CREATE INDEX ix_sign_in_record_user_id ON sign_in_record (user_id, id);

CREATE TABLE team (
    uuid UUID NOT NULL,
    key VARCHAR(60) NOT NULL,
    name VARCHAR(120) NOT NULL,
    name_pinyin VARCHAR(400) DEFAULT '' NOT NULL,
    kind VARCHAR(40) DEFAULT 'team' NOT NULL,
    department_id BIGINT,
    active BOOLEAN DEFAULT true NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_team PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_team_agency_id_department_id FOREIGN KEY(agency_id, department_id) REFERENCES department (agency_id, id),
    CONSTRAINT uq_team_agency_id_key UNIQUE (agency_id, key),
    CONSTRAINT fk_team_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE TABLE grid (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    uuid UUID NOT NULL,
    scheme_id INTEGER NOT NULL,
    level_id INTEGER NOT NULL,
    code VARCHAR(40) NOT NULL,
    name VARCHAR(120) NOT NULL,
    name_pinyin VARCHAR(400) NOT NULL,
    search TEXT NOT NULL,
    path ltree NOT NULL,
    parent_id INTEGER,
    polygon JSONB,
    west DOUBLE PRECISION,
    south DOUBLE PRECISION,
    east DOUBLE PRECISION,
    north DOUBLE PRECISION,
    area_m2 DOUBLE PRECISION,
    lon DOUBLE PRECISION,
    lat DOUBLE PRECISION,
    attributes JSONB DEFAULT '{}' NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE,
    retired_reason VARCHAR(500),
    CONSTRAINT pk_grid PRIMARY KEY (id),
    CONSTRAINT uq_grid_scheme_id_code UNIQUE (scheme_id, code),
    CONSTRAINT uq_grid_scheme_id_id UNIQUE (scheme_id, id),
    CONSTRAINT fk_grid_scheme_id_level_id FOREIGN KEY(scheme_id, level_id) REFERENCES grid_level (scheme_id, id),
    CONSTRAINT fk_grid_scheme_id_parent_id FOREIGN KEY(scheme_id, parent_id) REFERENCES grid (scheme_id, id),
    CONSTRAINT ck_grid_valid_period CHECK (valid_to >= valid_from),
    CONSTRAINT ck_grid_retired_with_reason CHECK ((valid_to IS NULL) = (retired_reason IS NULL)),
    CONSTRAINT ck_grid_whole_polygon CHECK (num_nulls(polygon, west, south, east, north, area_m2, lon, lat) IN (0, 8)),
    CONSTRAINT uq_grid_uuid UNIQUE (uuid),
    CONSTRAINT fk_grid_scheme_id FOREIGN KEY(scheme_id) REFERENCES grid_scheme (id)
);

CREATE INDEX ix_grid_parent_id_code ON grid (parent_id, code);

CREATE INDEX ix_grid_path ON grid USING gist (path);

CREATE INDEX ix_grid_scheme_id_level_id_code ON grid (scheme_id, level_id, code);

CREATE INDEX ix_grid_search ON grid USING gin (search gin_trgm_ops);

CREATE TABLE import_job (
    uuid UUID NOT NULL,
    ledger_key VARCHAR(100) NOT NULL,
    state VARCHAR(12) DEFAULT 'waiting' NOT NULL,
    file_name VARCHAR(255) NOT NULL,
    file_format VARCHAR(12) NOT NULL,
    file_bytes BIGINT NOT NULL,
    source_url VARCHAR(1000) NOT NULL,
    source_digest VARCHAR(64) NOT NULL,
    encoding VARCHAR(20),
    crs VARCHAR(10) NOT NULL,
    mode VARCHAR(12) NOT NULL,
    dry_run BOOLEAN NOT NULL,
    mapping JSON NOT NULL,
    grants JSONB NOT NULL,
    form_version_id BIGINT NOT NULL,
    rows_total INTEGER,
    rows_taken INTEGER DEFAULT '0' NOT NULL,
    created_count INTEGER DEFAULT '0' NOT NULL,
    updated_count INTEGER DEFAULT '0' NOT NULL,
    unchanged_count INTEGER DEFAULT '0' NOT NULL,
    failed_count INTEGER DEFAULT '0' NOT NULL,
    outside_count INTEGER DEFAULT '0' NOT NULL,
    unlocated_count INTEGER DEFAULT '0' NOT NULL,
    failure JSONB,
    created_by_id INTEGER,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    finished_at TIMESTAMP WITH TIME ZONE,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_import_job PRIMARY KEY (agency_id, id),
    CONSTRAINT uq_import_job_agency_id_uuid UNIQUE (agency_id, uuid),
    CONSTRAINT ck_import_job_state CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    CONSTRAINT fk_import_job_form_version_id FOREIGN KEY(form_version_id) REFERENCES definition (id),
    CONSTRAINT fk_import_job_created_by_id FOREIGN KEY(created_by_id) REFERENCES ab_user (id),
    CONSTRAINT fk_import_job_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_import_job_ledger_key ON import_job (agency_id, ledger_key, id);

CREATE TABLE notice_sending (
    notice_id BIGINT NOT NULL,
    channel_id BIGINT NOT NULL,
    state VARCHAR(8) DEFAULT 'waiting' NOT NULL,
    attempts SMALLINT DEFAULT '0' NOT NULL,
    last_error VARCHAR,
    sent_at TIMESTAMP WITH TIME ZONE,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_notice_sending PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_notice_sending_agency_id_notice_id FOREIGN KEY(agency_id, notice_id) REFERENCES notice (agency_id, id),
    CONSTRAINT fk_notice_sending_agency_id_channel_id FOREIGN KEY(agency_id, channel_id) REFERENCES notice_channel (agency_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_notice_sending_agency_id_notice_id_channel_id UNIQUE (agency_id, notice_id, channel_id),
    CONSTRAINT ck_notice_sending_state CHECK (state IN ('waiting', 'sent', 'failed')),
    CONSTRAINT fk_notice_sending_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE TABLE publication (
    uuid UUID NOT NULL,
    snapshot_id BIGINT NOT NULL,
    scorecard_key VARCHAR(100) NOT NULL,
    definition_id BIGINT NOT NULL,
    period_kind VARCHAR(12) NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL,
    revision INTEGER NOT NULL,
    state VARCHAR(12) NOT NULL,
    reason VARCHAR(500) DEFAULT '' NOT NULL,
    formula JSONB NOT NULL,
    formula_sha256 BYTEA NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by_id INTEGER,
    published_at TIMESTAMP WITH TIME ZONE,
    published_by_id INTEGER,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_publication PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_publication_agency_id_snapshot_id FOREIGN KEY(agency_id, snapshot_id) REFERENCES snapshot (agency_id, id),
    CONSTRAINT uq_publication_agency_id_scorecard_key_starts_on_ends_o_1f0f UNIQUE (agency_id, scorecard_key, starts_on, ends_on, revision),
    CONSTRAINT uq_publication_agency_id_uuid UNIQUE (agency_id, uuid),
    CONSTRAINT ck_publication_state CHECK (state IN ('proposed', 'published')),
    CONSTRAINT ck_publication_published_at CHECK ((state = 'published') = (published_at IS NOT NULL)),
    CONSTRAINT ck_publication_period CHECK (starts_on <= ends_on AND revision > 0),
    CONSTRAINT fk_publication_definition_id FOREIGN KEY(definition_id) REFERENCES definition (id),
    CONSTRAINT fk_publication_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_publication_snapshot_id ON publication (agency_id, snapshot_id);

CREATE FUNCTION publication_guard() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF OLD.state = 'published' THEN
    RAISE EXCEPTION 'publication % is published and cannot be changed', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  IF (to_jsonb(NEW) - ARRAY['state', 'reason', 'published_at', 'published_by_id'])
     IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['state', 'reason', 'published_at', 'published_by_id']) THEN
    RAISE EXCEPTION 'proposal % can be published or taken back, not changed', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $body$;
CREATE TRIGGER publication_guard BEFORE UPDATE OR DELETE ON publication FOR EACH ROW EXECUTE FUNCTION publication_guard();

CREATE FUNCTION publication_is_proposed_first() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF NEW.state <> 'proposed' THEN
    RAISE EXCEPTION 'a publication is proposed before it is published' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $body$;
CREATE TRIGGER publication_is_proposed_first BEFORE INSERT ON publication FOR EACH ROW EXECUTE FUNCTION publication_is_proposed_first();

CREATE TRIGGER frozen_rows_stand BEFORE TRUNCATE ON publication FOR EACH STATEMENT EXECUTE FUNCTION frozen_rows_stand();

CREATE TABLE recovery_code (
    user_id INTEGER NOT NULL,
    digest BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_recovery_code PRIMARY KEY (user_id, digest),
    CONSTRAINT fk_recovery_code_user_id FOREIGN KEY(user_id) REFERENCES second_factor (user_id) ON DELETE CASCADE
);

CREATE TABLE survey_round (
    uuid UUID NOT NULL,
    survey_key VARCHAR(120) NOT NULL,
    definition_id BIGINT NOT NULL,
    opens_on DATE NOT NULL,
    closes_on DATE NOT NULL,
    seed VARCHAR(40) NOT NULL,
    wanted INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by_id INTEGER,
    codes_issued_at TIMESTAMP WITH TIME ZONE,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_survey_round PRIMARY KEY (agency_id, id),
    CONSTRAINT uq_survey_round_agency_id_uuid UNIQUE (agency_id, uuid),
    CONSTRAINT uq_survey_round_agency_id_survey_key_opens_on UNIQUE (agency_id, survey_key, opens_on),
    CONSTRAINT ck_survey_round_days CHECK (opens_on <= closes_on),
    CONSTRAINT fk_survey_round_definition_id FOREIGN KEY(definition_id) REFERENCES definition (id),
    CONSTRAINT fk_survey_round_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE TABLE team_member (
    team_id BIGINT NOT NULL,
    user_id INTEGER NOT NULL,
    is_lead BOOLEAN DEFAULT false NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_team_member PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_team_member_agency_id_team_id FOREIGN KEY(agency_id, team_id) REFERENCES team (agency_id, id),
    CONSTRAINT fk_team_member_agency_id_user_id FOREIGN KEY(agency_id, user_id) REFERENCES member (agency_id, user_id),
    CONSTRAINT uq_team_member_agency_id_team_id_user_id UNIQUE (agency_id, team_id, user_id),
    CONSTRAINT fk_team_member_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_team_member_user_id ON team_member (agency_id, user_id);

CREATE TABLE grid_succession (
    predecessor_id BIGINT NOT NULL,
    successor_id BIGINT NOT NULL,
    change_id BIGINT NOT NULL,
    scheme_id INTEGER NOT NULL,
    CONSTRAINT pk_grid_succession PRIMARY KEY (predecessor_id, successor_id),
    CONSTRAINT fk_grid_succession_predecessor_id FOREIGN KEY(predecessor_id) REFERENCES grid (id),
    CONSTRAINT fk_grid_succession_successor_id FOREIGN KEY(successor_id) REFERENCES grid (id),
    CONSTRAINT fk_grid_succession_change_id FOREIGN KEY(change_id) REFERENCES grid_change (id),
    CONSTRAINT fk_grid_succession_scheme_id FOREIGN KEY(scheme_id) REFERENCES grid_scheme (id)
);

CREATE INDEX ix_grid_succession_change_id ON grid_succession (change_id);

CREATE INDEX ix_grid_succession_successor_id ON grid_succession (successor_id);

ALTER TABLE grid_scheme ENABLE ROW LEVEL SECURITY;

ALTER TABLE grid_scheme FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON grid_scheme TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY seen ON grid_scheme FOR SELECT TO wangge_app USING (owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer) OR id IN (SELECT scheme_id FROM grid_scheme_share WHERE agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)));

CREATE POLICY added ON grid_scheme FOR INSERT TO wangge_app WITH CHECK (owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer));

CREATE POLICY changed ON grid_scheme FOR UPDATE TO wangge_app USING (owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer));

CREATE POLICY removed ON grid_scheme FOR DELETE TO wangge_app USING (owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer));

ALTER TABLE grid_scheme_share ENABLE ROW LEVEL SECURITY;

ALTER TABLE grid_scheme_share FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON grid_scheme_share TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY seen ON grid_scheme_share FOR SELECT TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer) OR shared_by_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer));

CREATE POLICY added ON grid_scheme_share FOR INSERT TO wangge_app WITH CHECK (shared_by_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer));

CREATE POLICY changed ON grid_scheme_share FOR UPDATE TO wangge_app USING (shared_by_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (shared_by_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer));

CREATE POLICY removed ON grid_scheme_share FOR DELETE TO wangge_app USING (shared_by_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer));

ALTER TABLE grid_level ENABLE ROW LEVEL SECURITY;

ALTER TABLE grid_level FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON grid_level TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY seen ON grid_level FOR SELECT TO wangge_app USING (scheme_id IN (SELECT id FROM grid_scheme));

CREATE POLICY added ON grid_level FOR INSERT TO wangge_app WITH CHECK (scheme_id IN (SELECT id FROM grid_scheme WHERE owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)));

CREATE POLICY changed ON grid_level FOR UPDATE TO wangge_app USING (scheme_id IN (SELECT id FROM grid_scheme WHERE owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer))) WITH CHECK (scheme_id IN (SELECT id FROM grid_scheme WHERE owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)));

CREATE POLICY removed ON grid_level FOR DELETE TO wangge_app USING (scheme_id IN (SELECT id FROM grid_scheme WHERE owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)));

ALTER TABLE grid ENABLE ROW LEVEL SECURITY;

ALTER TABLE grid FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON grid TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY seen ON grid FOR SELECT TO wangge_app USING (scheme_id IN (SELECT id FROM grid_scheme));

CREATE POLICY added ON grid FOR INSERT TO wangge_app WITH CHECK (scheme_id IN (SELECT id FROM grid_scheme WHERE owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)));

CREATE POLICY changed ON grid FOR UPDATE TO wangge_app USING (scheme_id IN (SELECT id FROM grid_scheme WHERE owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer))) WITH CHECK (scheme_id IN (SELECT id FROM grid_scheme WHERE owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)));

CREATE POLICY removed ON grid FOR DELETE TO wangge_app USING (scheme_id IN (SELECT id FROM grid_scheme WHERE owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)));

ALTER TABLE grid_change ENABLE ROW LEVEL SECURITY;

ALTER TABLE grid_change FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON grid_change TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY seen ON grid_change FOR SELECT TO wangge_app USING (scheme_id IN (SELECT id FROM grid_scheme));

CREATE POLICY added ON grid_change FOR INSERT TO wangge_app WITH CHECK (scheme_id IN (SELECT id FROM grid_scheme WHERE owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)));

CREATE POLICY changed ON grid_change FOR UPDATE TO wangge_app USING (scheme_id IN (SELECT id FROM grid_scheme WHERE owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer))) WITH CHECK (scheme_id IN (SELECT id FROM grid_scheme WHERE owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)));

CREATE POLICY removed ON grid_change FOR DELETE TO wangge_app USING (scheme_id IN (SELECT id FROM grid_scheme WHERE owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)));

ALTER TABLE grid_succession ENABLE ROW LEVEL SECURITY;

ALTER TABLE grid_succession FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON grid_succession TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY seen ON grid_succession FOR SELECT TO wangge_app USING (scheme_id IN (SELECT id FROM grid_scheme));

CREATE POLICY added ON grid_succession FOR INSERT TO wangge_app WITH CHECK (scheme_id IN (SELECT id FROM grid_scheme WHERE owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)));

CREATE POLICY changed ON grid_succession FOR UPDATE TO wangge_app USING (scheme_id IN (SELECT id FROM grid_scheme WHERE owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer))) WITH CHECK (scheme_id IN (SELECT id FROM grid_scheme WHERE owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)));

CREATE POLICY removed ON grid_succession FOR DELETE TO wangge_app USING (scheme_id IN (SELECT id FROM grid_scheme WHERE owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)));

CREATE FUNCTION grid_ids_within(scope ltree) RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER ROWS 500
SET search_path = pg_catalog, public, pg_temp AS $body$
    SELECT grid.id FROM public.grid
    WHERE grid.path <@ scope AND grid.scheme_id IN (
        SELECT scheme.id FROM public.grid_scheme AS scheme
        WHERE scheme.owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)
        OR EXISTS (SELECT FROM public.grid_scheme_share AS share WHERE share.scheme_id = scheme.id AND share.agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)))
$body$;
REVOKE ALL ON FUNCTION grid_ids_within(ltree) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION grid_ids_within(ltree) TO wangge_app;

CREATE FUNCTION grid_ids_named(pattern text) RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER ROWS 500
SET search_path = pg_catalog, public, pg_temp AS $body$
    SELECT grid.id FROM public.grid
    WHERE grid.search LIKE pattern AND grid.scheme_id IN (
        SELECT scheme.id FROM public.grid_scheme AS scheme
        WHERE scheme.owner_agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)
        OR EXISTS (SELECT FROM public.grid_scheme_share AS share WHERE share.scheme_id = scheme.id AND share.agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)))
$body$;
REVOKE ALL ON FUNCTION grid_ids_named(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION grid_ids_named(text) TO wangge_app;

CREATE FUNCTION grid_change_is_told() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
    INSERT INTO public.outbox (agency_id, topic, payload, due_at)
    SELECT concerned.agency_id, 'grid.changed', jsonb_build_object('change', NEW.id), NEW.at
    FROM (
        SELECT scheme.owner_agency_id FROM public.grid_scheme AS scheme WHERE scheme.id = NEW.scheme_id AND scheme.owner_agency_id IS NOT NULL
        UNION
        SELECT share.agency_id FROM public.grid_scheme_share AS share WHERE share.scheme_id = NEW.scheme_id
    ) AS concerned (agency_id);
    RETURN NULL;
END $body$;
REVOKE ALL ON FUNCTION grid_change_is_told() FROM PUBLIC;
CREATE TRIGGER grid_change_is_told AFTER INSERT ON grid_change FOR EACH ROW EXECUTE FUNCTION grid_change_is_told();

CREATE FUNCTION grid_scheme_land_moves() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
    UPDATE public.grid_scheme SET land = pg_current_xact_id()::text::bigint
    WHERE id IN (SELECT changed.scheme_id FROM changed) AND land <> pg_current_xact_id()::text::bigint;
    RETURN NULL;
END $body$;
REVOKE ALL ON FUNCTION grid_scheme_land_moves() FROM PUBLIC
;
CREATE TRIGGER grid_scheme_land_moves_on_insert AFTER insert ON grid REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION grid_scheme_land_moves()
;
CREATE TRIGGER grid_scheme_land_moves_on_update AFTER update ON grid REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION grid_scheme_land_moves()
;
CREATE TRIGGER grid_scheme_land_moves_on_delete AFTER delete ON grid REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION grid_scheme_land_moves();

CREATE TABLE import_problem (
    import_job_id INTEGER NOT NULL,
    row INTEGER NOT NULL,
    cells JSONB NOT NULL,
    problems JSONB NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_import_problem PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_import_problem_agency_id_import_job_id FOREIGN KEY(agency_id, import_job_id) REFERENCES import_job (agency_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_import_problem_agency_id_import_job_id_row UNIQUE (agency_id, import_job_id, row),
    CONSTRAINT fk_import_problem_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE TABLE publication_result (
    publication_id BIGINT NOT NULL,
    position INTEGER NOT NULL,
    subject VARCHAR(120) NOT NULL,
    subject_kind VARCHAR(20) NOT NULL,
    subject_id BIGINT,
    subject_code VARCHAR(120) NOT NULL,
    subject_name VARCHAR(300),
    special VARCHAR(20),
    level VARCHAR(60),
    path ltree,
    department_path ltree,
    parent_id BIGINT,
    compared_within VARCHAR(60),
    heirs JSONB,
    lines JSONB NOT NULL,
    also JSONB NOT NULL,
    details JSONB NOT NULL,
    score NUMERIC,
    grade VARCHAR(40),
    rank INTEGER,
    is_ranked BOOLEAN NOT NULL,
    volume BIGINT,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_publication_result PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_publication_result_agency_id_publication_id FOREIGN KEY(agency_id, publication_id) REFERENCES publication (agency_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_publication_result_agency_id_publication_id_subject UNIQUE (agency_id, publication_id, subject),
    CONSTRAINT uq_publication_result_agency_id_publication_id_position UNIQUE (agency_id, publication_id, position),
    CONSTRAINT fk_publication_result_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_publication_result_subject ON publication_result (agency_id, subject_kind, subject_id);

CREATE FUNCTION publication_result_guard() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF NEW.subject_name IS NOT NULL OR OLD.subject_kind <> 'person'
     OR (to_jsonb(NEW) - 'subject_name') IS DISTINCT FROM (to_jsonb(OLD) - 'subject_name') THEN
    RAISE EXCEPTION 'a published score cannot be changed' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $body$;
CREATE TRIGGER publication_result_guard BEFORE UPDATE ON publication_result FOR EACH ROW EXECUTE FUNCTION publication_result_guard();

CREATE FUNCTION publication_result_is_settled() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM (SELECT DISTINCT agency_id, publication_id AS place FROM touched) AS touched
    JOIN publication ON publication.agency_id = touched.agency_id AND publication.id = touched.place
    WHERE publication.state = 'published'
  ) THEN
    RAISE EXCEPTION 'rows of publication_result belong to a publication and cannot be changed' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $body$;
CREATE TRIGGER publication_result_is_settled_on_insert AFTER INSERT ON publication_result
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION publication_result_is_settled();
CREATE TRIGGER publication_result_is_settled_on_delete AFTER DELETE ON publication_result
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION publication_result_is_settled();

CREATE TRIGGER frozen_rows_stand BEFORE TRUNCATE ON publication_result FOR EACH STATEMENT EXECUTE FUNCTION frozen_rows_stand();

CREATE TABLE record (
    uuid UUID NOT NULL,
    ledger_key VARCHAR(100) NOT NULL,
    form_version_id BIGINT NOT NULL,
    code VARCHAR(64) COLLATE "C" NOT NULL,
    source_key VARCHAR(80),
    title VARCHAR(300) NOT NULL,
    title_search TEXT NOT NULL,
    grid_id BIGINT,
    location VARCHAR(10) NOT NULL,
    lon DOUBLE PRECISION,
    lat DOUBLE PRECISION,
    position point,
    polygon JSONB,
    state VARCHAR(40) NOT NULL,
    department_id INTEGER,
    departments JSONB DEFAULT '{}' NOT NULL,
    data JSONB NOT NULL,
    personal JSONB,
    version INTEGER DEFAULT 1 NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    import_job_id INTEGER,
    created_by_id INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_by_id INTEGER,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_record PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_record_agency_id_department_id FOREIGN KEY(agency_id, department_id) REFERENCES department (agency_id, id),
    CONSTRAINT uq_record_agency_id_ledger_key_code UNIQUE (agency_id, ledger_key, code),
    CONSTRAINT uq_record_agency_id_uuid UNIQUE (agency_id, uuid),
    CONSTRAINT ck_record_whole_position CHECK ((lon IS NULL) = (lat IS NULL) AND (position IS NULL OR lon IS NOT NULL)),
    CONSTRAINT ck_record_location CHECK (location IN ('inside', 'near', 'outside', 'unlocated', 'assigned')),
    CONSTRAINT ck_record_located CHECK ((location IN ('inside', 'near', 'assigned')) = (grid_id IS NOT NULL)),
    CONSTRAINT fk_record_form_version_id FOREIGN KEY(form_version_id) REFERENCES definition (id),
    CONSTRAINT fk_record_grid_id FOREIGN KEY(grid_id) REFERENCES grid (id),
    CONSTRAINT fk_record_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_record_department_id ON record (agency_id, department_id);

CREATE INDEX ix_record_departments ON record USING gin (departments jsonb_path_ops);

CREATE INDEX ix_record_grid_id ON record (agency_id, grid_id);

CREATE INDEX ix_record_position ON record USING gist (agency_id, ledger_key, position);

CREATE INDEX ix_record_title_search ON record USING gin (title_search gin_trgm_ops);

CREATE UNIQUE INDEX uq_record_source_key ON record (agency_id, ledger_key, source_key) WHERE source_key IS NOT NULL;

CREATE FUNCTION record_departments_exist() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE wrong text;
BEGIN
    SELECT one.value INTO wrong
    FROM (SELECT DISTINCT agency_id, departments FROM fresh WHERE departments <> '{}') AS given
    CROSS JOIN LATERAL jsonb_each_text(given.departments) AS one
    LEFT JOIN department ON department.agency_id = given.agency_id AND department.id = one.value::bigint
    WHERE department.id IS NULL
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'department % is none of the agency', wrong USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'fk_record_departments';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER record_departments_inserted AFTER INSERT ON record
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION record_departments_exist();
CREATE TRIGGER record_departments_updated AFTER UPDATE ON record
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION record_departments_exist();

CREATE FUNCTION record_ids_in_box(ledger text, area box) RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER ROWS 500
SET search_path = pg_catalog, public, pg_temp AS $body$ SELECT id FROM public.record WHERE agency_id = nullif(current_setting('wangge.agency', true), '')::integer AND ledger_key = ledger AND position <@ area $body$;
REVOKE ALL ON FUNCTION record_ids_in_box(text, box) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_ids_in_box(text, box) TO wangge_app;

CREATE FUNCTION record_ids_titled(ledger text, pattern text) RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER ROWS 500
SET search_path = pg_catalog, public, pg_temp AS $body$ SELECT id FROM public.record WHERE agency_id = nullif(current_setting('wangge.agency', true), '')::integer AND ledger_key = ledger AND title_search LIKE pattern $body$;
REVOKE ALL ON FUNCTION record_ids_titled(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_ids_titled(text, text) TO wangge_app;

CREATE FUNCTION record_ids_of_department(role text, department bigint) RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER ROWS 500
SET search_path = pg_catalog, public, pg_temp AS $body$ SELECT id FROM public.record WHERE agency_id = nullif(current_setting('wangge.agency', true), '')::integer AND record.departments @> jsonb_build_object(role, department) $body$;
REVOKE ALL ON FUNCTION record_ids_of_department(text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_ids_of_department(text, bigint) TO wangge_app;

CREATE FUNCTION record_ids_valued(ledger text, field text, wanted text) RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 500
SET search_path = pg_catalog, public, pg_temp AS $body$ BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT id FROM public.record WHERE agency_id = $1 AND ledger_key = %L AND (data ->> %L) = $2', ledger, field
    ) USING nullif(current_setting('wangge.agency', true), '')::integer, wanted;
END $body$;
REVOKE ALL ON FUNCTION record_ids_valued(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_ids_valued(text, text, text) TO wangge_app;

CREATE FUNCTION record_index_fields() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE wanted record; made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('wangge.record_index_fields'));
    FOR wanted IN
        SELECT DISTINCT ledger.key AS ledger, field.value ->> 'id' AS field, 'ix_record_data_' || left(encode(sha256(
            convert_to(ledger.key, 'UTF8') || decode('00', 'hex') || convert_to(field.value ->> 'id', 'UTF8')), 'hex'), 16) AS name
        FROM public.definition AS ledger
        JOIN public.definition AS form ON form.kind = 'form' AND form.status = 'published' AND form.key = ledger.content ->> 'form'
        CROSS JOIN LATERAL jsonb_array_elements(form.content::jsonb -> 'fields') AS field
        WHERE ledger.kind = 'ledger' AND ledger.status = 'published' AND form.agency_id = nullif(current_setting('wangge.agency', true), '')::integer
        AND (ledger.agency_id IS NULL OR ledger.agency_id = nullif(current_setting('wangge.agency', true), '')::integer)
        AND field.value -> 'index' = 'true' AND field.value -> 'personal' IS DISTINCT FROM 'true' AND NOT field.value ? 'sensitive'
    LOOP
        IF to_regclass('public.' || wanted.name) IS NULL THEN
            EXECUTE format('CREATE INDEX %I ON public.record (agency_id, (data ->> %L)) WHERE ledger_key = %L', wanted.name, wanted.field, wanted.ledger);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $body$;
REVOKE ALL ON FUNCTION record_index_fields() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_index_fields() TO wangge_app;

CREATE TABLE responsibility (
    user_id INTEGER,
    team_id BIGINT,
    grid_id BIGINT NOT NULL,
    kind VARCHAR(60) NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE,
    valid_to TIMESTAMP WITH TIME ZONE,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_responsibility PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_responsibility_agency_id_team_id FOREIGN KEY(agency_id, team_id) REFERENCES team (agency_id, id),
    CONSTRAINT fk_responsibility_agency_id_user_id FOREIGN KEY(agency_id, user_id) REFERENCES member (agency_id, user_id),
    CONSTRAINT ck_responsibility_one_holder CHECK ((user_id IS NULL) <> (team_id IS NULL)),
    CONSTRAINT uq_responsibility_agency_id_grid_id_kind_user_id_team_id UNIQUE NULLS NOT DISTINCT (agency_id, grid_id, kind, user_id, team_id),
    CONSTRAINT fk_responsibility_grid_id FOREIGN KEY(grid_id) REFERENCES grid (id),
    CONSTRAINT fk_responsibility_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_responsibility_grid_id ON responsibility (grid_id);

CREATE INDEX ix_responsibility_team_id ON responsibility (agency_id, team_id);

CREATE INDEX ix_responsibility_user_id ON responsibility (agency_id, user_id);

CREATE TABLE role_assignment (
    user_id INTEGER NOT NULL,
    role_id BIGINT NOT NULL,
    grid_id BIGINT,
    department_id BIGINT,
    valid_from TIMESTAMP WITH TIME ZONE,
    valid_to TIMESTAMP WITH TIME ZONE,
    created_by_id INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_role_assignment PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_role_assignment_agency_id_role_id FOREIGN KEY(agency_id, role_id) REFERENCES role (agency_id, id),
    CONSTRAINT fk_role_assignment_agency_id_department_id FOREIGN KEY(agency_id, department_id) REFERENCES department (agency_id, id),
    CONSTRAINT fk_role_assignment_agency_id_user_id FOREIGN KEY(agency_id, user_id) REFERENCES member (agency_id, user_id),
    CONSTRAINT uq_role_assignment_agency_id_user_id_role_id_grid_id_de_f311 UNIQUE NULLS NOT DISTINCT (agency_id, user_id, role_id, grid_id, department_id),
    CONSTRAINT ck_role_assignment_valid_period CHECK (valid_to > valid_from),
    CONSTRAINT fk_role_assignment_grid_id FOREIGN KEY(grid_id) REFERENCES grid (id),
    CONSTRAINT fk_role_assignment_created_by_id FOREIGN KEY(created_by_id) REFERENCES ab_user (id),
    CONSTRAINT fk_role_assignment_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_role_assignment_department_id ON role_assignment (agency_id, department_id);

CREATE INDEX ix_role_assignment_grid_id ON role_assignment (grid_id);

CREATE INDEX ix_role_assignment_role_id ON role_assignment (agency_id, role_id);

CREATE TABLE cases (
    uuid UUID NOT NULL,
    number VARCHAR(40) COLLATE "C" NOT NULL,
    workflow VARCHAR(120) NOT NULL,
    definition_id BIGINT NOT NULL,
    parent_id BIGINT,
    kind VARCHAR(20),
    class_code VARCHAR(40),
    condition VARCHAR(60),
    source VARCHAR(40),
    title VARCHAR(200) DEFAULT '' NOT NULL,
    title_search TEXT GENERATED ALWAYS AS (regexp_replace(lower(title), '(.)', '\1ː', 'g')) STORED NOT NULL,
    state VARCHAR(60) NOT NULL,
    category VARCHAR(6) NOT NULL,
    version INTEGER DEFAULT '1' NOT NULL,
    grid_id BIGINT,
    located VARCHAR(8) NOT NULL,
    lon DOUBLE PRECISION,
    lat DOUBLE PRECISION,
    xy point,
    department_id BIGINT,
    assignee_id INTEGER,
    reporter_id INTEGER,
    record_id BIGINT,
    duplicate_of_id BIGINT,
    data JSONB NOT NULL,
    "limit" JSONB,
    state_entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    clock JSONB,
    counts JSONB DEFAULT '{}' NOT NULL,
    requests JSONB DEFAULT '{}' NOT NULL,
    milestones JSONB DEFAULT '{}' NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    warn_at TIMESTAMP WITH TIME ZONE,
    is_provisional BOOLEAN DEFAULT false NOT NULL,
    reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    chain_length INTEGER DEFAULT '0' NOT NULL,
    chain_head BYTEA,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_cases PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_cases_agency_id_parent_id FOREIGN KEY(agency_id, parent_id) REFERENCES cases (agency_id, id),
    CONSTRAINT fk_cases_agency_id_department_id FOREIGN KEY(agency_id, department_id) REFERENCES department (agency_id, id),
    CONSTRAINT fk_cases_agency_id_record_id FOREIGN KEY(agency_id, record_id) REFERENCES record (agency_id, id),
    CONSTRAINT fk_cases_agency_id_duplicate_of_id FOREIGN KEY(agency_id, duplicate_of_id) REFERENCES cases (agency_id, id),
    CONSTRAINT fk_cases_agency_id_assignee_id FOREIGN KEY(agency_id, assignee_id) REFERENCES member (agency_id, user_id),
    CONSTRAINT uq_cases_agency_id_number UNIQUE (agency_id, number),
    CONSTRAINT uq_cases_agency_id_uuid UNIQUE (agency_id, uuid),
    CONSTRAINT ck_cases_category CHECK (category = CASE WHEN closed_at IS NULL THEN 'open' ELSE 'closed' END),
    CONSTRAINT ck_cases_located CHECK (CASE WHEN grid_id IS NULL THEN located IN ('outside', 'none') ELSE located IN ('inside', 'near', 'assigned') END),
    CONSTRAINT fk_cases_definition_id FOREIGN KEY(definition_id) REFERENCES definition (id),
    CONSTRAINT fk_cases_grid_id FOREIGN KEY(grid_id) REFERENCES grid (id),
    CONSTRAINT fk_cases_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
)
 WITH (fillfactor = 80);

CREATE INDEX ix_cases_asked ON cases (agency_id) WHERE requests <> '{}'::jsonb;

CREATE INDEX ix_cases_assignee ON cases (agency_id, assignee_id) WHERE category = 'open' AND assignee_id IS NOT NULL;

CREATE INDEX ix_cases_in_department ON cases (agency_id, department_id, reported_at DESC, id DESC);

CREATE INDEX ix_cases_in_grid ON cases (agency_id, grid_id, reported_at DESC, id DESC);

CREATE INDEX ix_cases_newest ON cases (agency_id, reported_at DESC, id DESC);

CREATE INDEX ix_cases_newest_open ON cases (agency_id, reported_at DESC, id DESC) WHERE category = 'open';

CREATE INDEX ix_cases_open_position ON cases USING gist (xy) WHERE category = 'open';

CREATE INDEX ix_cases_parent ON cases (agency_id, parent_id) WHERE parent_id IS NOT NULL;

CREATE INDEX ix_cases_record ON cases (agency_id, record_id) WHERE record_id IS NOT NULL;

CREATE INDEX ix_cases_same_class ON cases (agency_id, class_code, reported_at DESC);

CREATE INDEX ix_cases_title_search ON cases USING gin (title_search gin_trgm_ops);

CREATE FUNCTION case_title_pattern(wanted text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $body$ SELECT '%' || regexp_replace(regexp_replace(lower(wanted), '(.)', '\1ː', 'g'), '([\\%_])', '\\\1', 'g') || '%' $body$;
REVOKE ALL ON FUNCTION case_title_pattern(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION case_title_pattern(text) TO wangge_app;

CREATE FUNCTION case_ids_near(here point, metres double precision, since timestamptz) RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER ROWS 20
SET search_path = pg_catalog, public, pg_temp AS $body$ SELECT id FROM public.cases WHERE agency_id = nullif(current_setting('wangge.agency', true), '')::integer AND category = 'open' AND xy <@ circle(here, metres)
UNION ALL
SELECT id FROM public.cases WHERE agency_id = nullif(current_setting('wangge.agency', true), '')::integer AND category = 'closed' AND reported_at >= since AND xy <@ circle(here, metres) $body$;
REVOKE ALL ON FUNCTION case_ids_near(point, double precision, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION case_ids_near(point, double precision, timestamptz) TO wangge_app;

CREATE FUNCTION case_ids_titled(wanted text, most integer) RETURNS SETOF bigint LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 500
SET search_path = pg_catalog, public, pg_temp AS $body$ DECLARE pattern text := public.case_title_pattern(wanted);
BEGIN
    IF length(wanted) = 1 THEN
        RETURN QUERY EXECUTE
        'SELECT id FROM public.cases WHERE agency_id = $1 AND (title_search LIKE $2 OR title_search LIKE $3) LIMIT $4'
        USING nullif(current_setting('wangge.agency', true), '')::integer, '%ː' || substr(pattern, 2), substr(pattern, 2), most;
    ELSE
        RETURN QUERY EXECUTE 'SELECT id FROM public.cases WHERE agency_id = $1 AND title_search LIKE $2 LIMIT $3'
        USING nullif(current_setting('wangge.agency', true), '')::integer, pattern, most;
    END IF;
END $body$;
REVOKE ALL ON FUNCTION case_ids_titled(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION case_ids_titled(text, integer) TO wangge_app;

CREATE TABLE record_attachment (
    record_id INTEGER NOT NULL,
    attachment_uuid UUID NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_record_attachment PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_record_attachment_agency_id_record_id FOREIGN KEY(agency_id, record_id) REFERENCES record (agency_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_record_attachment_agency_id_record_id_attachment_uuid UNIQUE (agency_id, record_id, attachment_uuid),
    CONSTRAINT fk_record_attachment_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_record_attachment_uuid ON record_attachment (agency_id, attachment_uuid);

CREATE TABLE record_event (
    record_id INTEGER NOT NULL,
    kind VARCHAR(20) NOT NULL,
    version INTEGER NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    user_id INTEGER,
    "old" JSONB NOT NULL,
    "new" JSONB NOT NULL,
    reason VARCHAR(500),
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_record_event PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_record_event_agency_id_record_id FOREIGN KEY(agency_id, record_id) REFERENCES record (agency_id, id),
    CONSTRAINT fk_record_event_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_record_event_record_id ON record_event (agency_id, record_id, id);

CREATE TABLE record_relation (
    record_id INTEGER NOT NULL,
    field_id VARCHAR(100) NOT NULL,
    target_id INTEGER NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_record_relation PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_record_relation_agency_id_record_id FOREIGN KEY(agency_id, record_id) REFERENCES record (agency_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_record_relation_agency_id_target_id FOREIGN KEY(agency_id, target_id) REFERENCES record (agency_id, id),
    CONSTRAINT uq_record_relation_agency_id_record_id_field_id_target_id UNIQUE (agency_id, record_id, field_id, target_id),
    CONSTRAINT fk_record_relation_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_record_relation_target_id ON record_relation (agency_id, target_id);

CREATE TABLE case_attachment (
    case_id BIGINT NOT NULL,
    attachment_id BIGINT NOT NULL,
    sequence INTEGER NOT NULL,
    field VARCHAR(120) NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_case_attachment PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_case_attachment_agency_id_case_id FOREIGN KEY(agency_id, case_id) REFERENCES cases (agency_id, id),
    CONSTRAINT fk_case_attachment_agency_id_attachment_id FOREIGN KEY(agency_id, attachment_id) REFERENCES attachment (agency_id, id),
    CONSTRAINT uq_case_attachment_agency_id_case_id_attachment_id_sequ_f6c6 UNIQUE (agency_id, case_id, attachment_id, sequence, field)
);

CREATE INDEX ix_case_attachment_file ON case_attachment (agency_id, attachment_id);

CREATE TABLE case_event (
    case_id BIGINT NOT NULL,
    sequence INTEGER NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor_id INTEGER,
    verb VARCHAR(40) NOT NULL,
    from_state VARCHAR(60) NOT NULL,
    to_state VARCHAR(60) NOT NULL,
    form_id BIGINT,
    data JSONB NOT NULL,
    digests JSONB NOT NULL,
    facts JSONB NOT NULL,
    previous BYTEA,
    hash BYTEA NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_case_event PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_case_event_agency_id_case_id FOREIGN KEY(agency_id, case_id) REFERENCES cases (agency_id, id),
    CONSTRAINT uq_case_event_agency_id_case_id_sequence UNIQUE (agency_id, case_id, sequence),
    CONSTRAINT fk_case_event_form_id FOREIGN KEY(form_id) REFERENCES definition (id)
);

CREATE TABLE case_personal (
    case_id BIGINT NOT NULL,
    sequence INTEGER NOT NULL,
    field VARCHAR(120) NOT NULL,
    purpose VARCHAR(120),
    salt BYTEA NOT NULL,
    value JSONB,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_case_personal PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_case_personal_agency_id_case_id FOREIGN KEY(agency_id, case_id) REFERENCES cases (agency_id, id),
    CONSTRAINT uq_case_personal_agency_id_case_id_sequence_field UNIQUE (agency_id, case_id, sequence, field)
);

CREATE TABLE case_timer (
    case_id BIGINT NOT NULL,
    key VARCHAR(120) NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    attempts SMALLINT DEFAULT '0' NOT NULL,
    last_error VARCHAR,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_case_timer PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_case_timer_agency_id_case_id FOREIGN KEY(agency_id, case_id) REFERENCES cases (agency_id, id)
);

CREATE INDEX ix_case_timer_case ON case_timer (agency_id, case_id);

CREATE INDEX ix_case_timer_due ON case_timer (due_at);

CREATE TABLE feedback_invitation (
    uuid UUID NOT NULL,
    survey_key VARCHAR(120) NOT NULL,
    definition_id BIGINT NOT NULL,
    case_id BIGINT,
    closing_sequence INTEGER,
    round_id BIGINT,
    record_id BIGINT,
    grid_id BIGINT,
    department_id BIGINT,
    token_sha256 BYTEA,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    sent_via VARCHAR(12),
    sent_at TIMESTAMP WITH TIME ZONE,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_feedback_invitation PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_feedback_invitation_agency_id_case_id FOREIGN KEY(agency_id, case_id) REFERENCES cases (agency_id, id),
    CONSTRAINT fk_feedback_invitation_agency_id_round_id FOREIGN KEY(agency_id, round_id) REFERENCES survey_round (agency_id, id),
    CONSTRAINT fk_feedback_invitation_agency_id_department_id FOREIGN KEY(agency_id, department_id) REFERENCES department (agency_id, id),
    CONSTRAINT fk_feedback_invitation_agency_id_record_id FOREIGN KEY(agency_id, record_id) REFERENCES record (agency_id, id),
    CONSTRAINT uq_feedback_invitation_agency_id_uuid UNIQUE (agency_id, uuid),
    CONSTRAINT uq_feedback_invitation_token_sha256 UNIQUE (token_sha256),
    CONSTRAINT uq_feedback_invitation_agency_id_survey_key_case_id_clo_06b6 UNIQUE (agency_id, survey_key, case_id, closing_sequence),
    CONSTRAINT ck_feedback_invitation_occasion CHECK ((case_id IS NULL) <> (round_id IS NULL)),
    CONSTRAINT ck_feedback_invitation_closing CHECK ((case_id IS NULL) = (closing_sequence IS NULL)),
    CONSTRAINT fk_feedback_invitation_definition_id FOREIGN KEY(definition_id) REFERENCES definition (id),
    CONSTRAINT fk_feedback_invitation_grid_id FOREIGN KEY(grid_id) REFERENCES grid (id),
    CONSTRAINT fk_feedback_invitation_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_feedback_invitation_case ON feedback_invitation (agency_id, case_id) WHERE case_id IS NOT NULL;

CREATE INDEX ix_feedback_invitation_open ON feedback_invitation (agency_id, expires_at) WHERE used_at IS NULL AND case_id IS NOT NULL;

CREATE INDEX ix_feedback_invitation_round ON feedback_invitation (agency_id, round_id, grid_id) WHERE round_id IS NOT NULL;

CREATE TABLE feedback_answer (
    invitation_id BIGINT NOT NULL,
    survey_key VARCHAR(120) NOT NULL,
    case_id BIGINT,
    grid_id BIGINT,
    department_id BIGINT,
    form_id BIGINT NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    points NUMERIC(7, 2) NOT NULL,
    data JSONB NOT NULL,
    taken_by_id INTEGER,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_feedback_answer PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_feedback_answer_agency_id_invitation_id FOREIGN KEY(agency_id, invitation_id) REFERENCES feedback_invitation (agency_id, id),
    CONSTRAINT fk_feedback_answer_agency_id_case_id FOREIGN KEY(agency_id, case_id) REFERENCES cases (agency_id, id),
    CONSTRAINT fk_feedback_answer_agency_id_department_id FOREIGN KEY(agency_id, department_id) REFERENCES department (agency_id, id),
    CONSTRAINT uq_feedback_answer_agency_id_invitation_id UNIQUE (agency_id, invitation_id),
    CONSTRAINT fk_feedback_answer_grid_id FOREIGN KEY(grid_id) REFERENCES grid (id),
    CONSTRAINT fk_feedback_answer_form_id FOREIGN KEY(form_id) REFERENCES definition (id),
    CONSTRAINT fk_feedback_answer_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_feedback_answer_answered_at ON feedback_answer (agency_id, answered_at);

CREATE INDEX ix_feedback_answer_case ON feedback_answer (agency_id, case_id) WHERE case_id IS NOT NULL;

CREATE TABLE feedback_reopening (
    answer_id BIGINT NOT NULL,
    case_id BIGINT NOT NULL,
    state VARCHAR(8) NOT NULL,
    reason JSONB,
    sequence INTEGER,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_feedback_reopening PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_feedback_reopening_agency_id_answer_id FOREIGN KEY(agency_id, answer_id) REFERENCES feedback_answer (agency_id, id),
    CONSTRAINT fk_feedback_reopening_agency_id_case_id FOREIGN KEY(agency_id, case_id) REFERENCES cases (agency_id, id),
    CONSTRAINT uq_feedback_reopening_agency_id_answer_id UNIQUE (agency_id, answer_id),
    CONSTRAINT ck_feedback_reopening_state CHECK (state IN ('waiting', 'taken', 'refused')),
    CONSTRAINT fk_feedback_reopening_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE INDEX ix_feedback_reopening_undone ON feedback_reopening (agency_id) WHERE state <> 'taken';

CREATE TABLE feedback_words (
    answer_id BIGINT NOT NULL,
    field VARCHAR(120) NOT NULL,
    value JSONB,
    agency_id INTEGER NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    CONSTRAINT pk_feedback_words PRIMARY KEY (agency_id, id),
    CONSTRAINT fk_feedback_words_agency_id_answer_id FOREIGN KEY(agency_id, answer_id) REFERENCES feedback_answer (agency_id, id),
    CONSTRAINT uq_feedback_words_agency_id_answer_id_field UNIQUE (agency_id, answer_id, field),
    CONSTRAINT fk_feedback_words_agency_id FOREIGN KEY(agency_id) REFERENCES agency (id)
);

CREATE FUNCTION record_grid_id_is_shared_on_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE refused bigint;
BEGIN
    
    SELECT grid.id INTO refused
    FROM fresh
    JOIN public.grid ON grid.id = fresh.grid_id
    JOIN public.grid_scheme AS scheme ON scheme.id = grid.scheme_id
    WHERE scheme.owner_agency_id IS DISTINCT FROM fresh.agency_id
    AND NOT EXISTS (SELECT FROM public.grid_scheme_share AS share WHERE share.scheme_id = scheme.id AND share.agency_id = fresh.agency_id)
    LIMIT 1;
    IF FOUND THEN
        
        RAISE EXCEPTION 'grid % is of a scheme that is not shared with the agency', refused
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'record_grid_id_is_shared';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER record_grid_id_is_shared_on_insert AFTER INSERT ON "record" REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION record_grid_id_is_shared_on_insert()
;
CREATE FUNCTION record_grid_id_is_shared_on_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE refused bigint;
BEGIN
    
    SELECT grid.id INTO refused
    FROM (SELECT NEW.agency_id, NEW.grid_id) AS fresh
    JOIN public.grid ON grid.id = fresh.grid_id
    JOIN public.grid_scheme AS scheme ON scheme.id = grid.scheme_id
    WHERE scheme.owner_agency_id IS DISTINCT FROM fresh.agency_id
    AND NOT EXISTS (SELECT FROM public.grid_scheme_share AS share WHERE share.scheme_id = scheme.id AND share.agency_id = fresh.agency_id)
    LIMIT 1;
    IF FOUND THEN
        
        RAISE EXCEPTION 'grid % is of a scheme that is not shared with the agency', refused
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'record_grid_id_is_shared';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER record_grid_id_is_shared_on_update AFTER UPDATE ON "record" FOR EACH ROW WHEN ((OLD.agency_id, OLD.grid_id) IS DISTINCT FROM (NEW.agency_id, NEW.grid_id)) EXECUTE FUNCTION record_grid_id_is_shared_on_update();

CREATE FUNCTION responsibility_grid_id_is_shared_on_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE refused bigint;
BEGIN
    
    SELECT grid.id INTO refused
    FROM fresh
    JOIN public.grid ON grid.id = fresh.grid_id
    JOIN public.grid_scheme AS scheme ON scheme.id = grid.scheme_id
    WHERE scheme.owner_agency_id IS DISTINCT FROM fresh.agency_id
    AND NOT EXISTS (SELECT FROM public.grid_scheme_share AS share WHERE share.scheme_id = scheme.id AND share.agency_id = fresh.agency_id)
    LIMIT 1;
    IF FOUND THEN
        
        RAISE EXCEPTION 'grid % is of a scheme that is not shared with the agency', refused
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'responsibility_grid_id_is_shared';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER responsibility_grid_id_is_shared_on_insert AFTER INSERT ON "responsibility" REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION responsibility_grid_id_is_shared_on_insert()
;
CREATE FUNCTION responsibility_grid_id_is_shared_on_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE refused bigint;
BEGIN
    
    SELECT grid.id INTO refused
    FROM (SELECT NEW.agency_id, NEW.grid_id) AS fresh
    JOIN public.grid ON grid.id = fresh.grid_id
    JOIN public.grid_scheme AS scheme ON scheme.id = grid.scheme_id
    WHERE scheme.owner_agency_id IS DISTINCT FROM fresh.agency_id
    AND NOT EXISTS (SELECT FROM public.grid_scheme_share AS share WHERE share.scheme_id = scheme.id AND share.agency_id = fresh.agency_id)
    LIMIT 1;
    IF FOUND THEN
        
        RAISE EXCEPTION 'grid % is of a scheme that is not shared with the agency', refused
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'responsibility_grid_id_is_shared';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER responsibility_grid_id_is_shared_on_update AFTER UPDATE ON "responsibility" FOR EACH ROW WHEN ((OLD.agency_id, OLD.grid_id) IS DISTINCT FROM (NEW.agency_id, NEW.grid_id)) EXECUTE FUNCTION responsibility_grid_id_is_shared_on_update();

CREATE FUNCTION role_assignment_grid_id_is_shared_on_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE refused bigint;
BEGIN
    
    SELECT grid.id INTO refused
    FROM fresh
    JOIN public.grid ON grid.id = fresh.grid_id
    JOIN public.grid_scheme AS scheme ON scheme.id = grid.scheme_id
    WHERE scheme.owner_agency_id IS DISTINCT FROM fresh.agency_id
    AND NOT EXISTS (SELECT FROM public.grid_scheme_share AS share WHERE share.scheme_id = scheme.id AND share.agency_id = fresh.agency_id)
    LIMIT 1;
    IF FOUND THEN
        
        RAISE EXCEPTION 'grid % is of a scheme that is not shared with the agency', refused
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'role_assignment_grid_id_is_shared';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER role_assignment_grid_id_is_shared_on_insert AFTER INSERT ON "role_assignment" REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION role_assignment_grid_id_is_shared_on_insert()
;
CREATE FUNCTION role_assignment_grid_id_is_shared_on_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE refused bigint;
BEGIN
    
    SELECT grid.id INTO refused
    FROM (SELECT NEW.agency_id, NEW.grid_id) AS fresh
    JOIN public.grid ON grid.id = fresh.grid_id
    JOIN public.grid_scheme AS scheme ON scheme.id = grid.scheme_id
    WHERE scheme.owner_agency_id IS DISTINCT FROM fresh.agency_id
    AND NOT EXISTS (SELECT FROM public.grid_scheme_share AS share WHERE share.scheme_id = scheme.id AND share.agency_id = fresh.agency_id)
    LIMIT 1;
    IF FOUND THEN
        
        RAISE EXCEPTION 'grid % is of a scheme that is not shared with the agency', refused
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'role_assignment_grid_id_is_shared';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER role_assignment_grid_id_is_shared_on_update AFTER UPDATE ON "role_assignment" FOR EACH ROW WHEN ((OLD.agency_id, OLD.grid_id) IS DISTINCT FROM (NEW.agency_id, NEW.grid_id)) EXECUTE FUNCTION role_assignment_grid_id_is_shared_on_update();

CREATE FUNCTION cases_grid_id_is_shared_on_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE refused bigint;
BEGIN
    
    SELECT grid.id INTO refused
    FROM fresh
    JOIN public.grid ON grid.id = fresh.grid_id
    JOIN public.grid_scheme AS scheme ON scheme.id = grid.scheme_id
    WHERE scheme.owner_agency_id IS DISTINCT FROM fresh.agency_id
    AND NOT EXISTS (SELECT FROM public.grid_scheme_share AS share WHERE share.scheme_id = scheme.id AND share.agency_id = fresh.agency_id)
    LIMIT 1;
    IF FOUND THEN
        
        RAISE EXCEPTION 'grid % is of a scheme that is not shared with the agency', refused
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'cases_grid_id_is_shared';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER cases_grid_id_is_shared_on_insert AFTER INSERT ON "cases" REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION cases_grid_id_is_shared_on_insert()
;
CREATE FUNCTION cases_grid_id_is_shared_on_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE refused bigint;
BEGIN
    
    SELECT grid.id INTO refused
    FROM (SELECT NEW.agency_id, NEW.grid_id) AS fresh
    JOIN public.grid ON grid.id = fresh.grid_id
    JOIN public.grid_scheme AS scheme ON scheme.id = grid.scheme_id
    WHERE scheme.owner_agency_id IS DISTINCT FROM fresh.agency_id
    AND NOT EXISTS (SELECT FROM public.grid_scheme_share AS share WHERE share.scheme_id = scheme.id AND share.agency_id = fresh.agency_id)
    LIMIT 1;
    IF FOUND THEN
        
        RAISE EXCEPTION 'grid % is of a scheme that is not shared with the agency', refused
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'cases_grid_id_is_shared';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER cases_grid_id_is_shared_on_update AFTER UPDATE ON "cases" FOR EACH ROW WHEN ((OLD.agency_id, OLD.grid_id) IS DISTINCT FROM (NEW.agency_id, NEW.grid_id)) EXECUTE FUNCTION cases_grid_id_is_shared_on_update();

CREATE FUNCTION feedback_invitation_grid_id_is_shared_on_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE refused bigint;
BEGIN
    
    SELECT grid.id INTO refused
    FROM fresh
    JOIN public.grid ON grid.id = fresh.grid_id
    JOIN public.grid_scheme AS scheme ON scheme.id = grid.scheme_id
    WHERE scheme.owner_agency_id IS DISTINCT FROM fresh.agency_id
    AND NOT EXISTS (SELECT FROM public.grid_scheme_share AS share WHERE share.scheme_id = scheme.id AND share.agency_id = fresh.agency_id)
    LIMIT 1;
    IF FOUND THEN
        
        RAISE EXCEPTION 'grid % is of a scheme that is not shared with the agency', refused
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'feedback_invitation_grid_id_is_shared';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER feedback_invitation_grid_id_is_shared_on_insert AFTER INSERT ON "feedback_invitation" REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION feedback_invitation_grid_id_is_shared_on_insert()
;
CREATE FUNCTION feedback_invitation_grid_id_is_shared_on_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE refused bigint;
BEGIN
    
    SELECT grid.id INTO refused
    FROM (SELECT NEW.agency_id, NEW.grid_id) AS fresh
    JOIN public.grid ON grid.id = fresh.grid_id
    JOIN public.grid_scheme AS scheme ON scheme.id = grid.scheme_id
    WHERE scheme.owner_agency_id IS DISTINCT FROM fresh.agency_id
    AND NOT EXISTS (SELECT FROM public.grid_scheme_share AS share WHERE share.scheme_id = scheme.id AND share.agency_id = fresh.agency_id)
    LIMIT 1;
    IF FOUND THEN
        
        RAISE EXCEPTION 'grid % is of a scheme that is not shared with the agency', refused
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'feedback_invitation_grid_id_is_shared';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER feedback_invitation_grid_id_is_shared_on_update AFTER UPDATE ON "feedback_invitation" FOR EACH ROW WHEN ((OLD.agency_id, OLD.grid_id) IS DISTINCT FROM (NEW.agency_id, NEW.grid_id)) EXECUTE FUNCTION feedback_invitation_grid_id_is_shared_on_update();

CREATE FUNCTION feedback_answer_grid_id_is_shared_on_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE refused bigint;
BEGIN
    
    SELECT grid.id INTO refused
    FROM fresh
    JOIN public.grid ON grid.id = fresh.grid_id
    JOIN public.grid_scheme AS scheme ON scheme.id = grid.scheme_id
    WHERE scheme.owner_agency_id IS DISTINCT FROM fresh.agency_id
    AND NOT EXISTS (SELECT FROM public.grid_scheme_share AS share WHERE share.scheme_id = scheme.id AND share.agency_id = fresh.agency_id)
    LIMIT 1;
    IF FOUND THEN
        
        RAISE EXCEPTION 'grid % is of a scheme that is not shared with the agency', refused
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'feedback_answer_grid_id_is_shared';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER feedback_answer_grid_id_is_shared_on_insert AFTER INSERT ON "feedback_answer" REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION feedback_answer_grid_id_is_shared_on_insert()
;
CREATE FUNCTION feedback_answer_grid_id_is_shared_on_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE refused bigint;
BEGIN
    
    SELECT grid.id INTO refused
    FROM (SELECT NEW.agency_id, NEW.grid_id) AS fresh
    JOIN public.grid ON grid.id = fresh.grid_id
    JOIN public.grid_scheme AS scheme ON scheme.id = grid.scheme_id
    WHERE scheme.owner_agency_id IS DISTINCT FROM fresh.agency_id
    AND NOT EXISTS (SELECT FROM public.grid_scheme_share AS share WHERE share.scheme_id = scheme.id AND share.agency_id = fresh.agency_id)
    LIMIT 1;
    IF FOUND THEN
        
        RAISE EXCEPTION 'grid % is of a scheme that is not shared with the agency', refused
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'feedback_answer_grid_id_is_shared';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER feedback_answer_grid_id_is_shared_on_update AFTER UPDATE ON "feedback_answer" FOR EACH ROW WHEN ((OLD.agency_id, OLD.grid_id) IS DISTINCT FROM (NEW.agency_id, NEW.grid_id)) EXECUTE FUNCTION feedback_answer_grid_id_is_shared_on_update();

CREATE OR REPLACE FUNCTION import_job_form_version_id_guard_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM fresh JOIN public.definition ON definition.id = fresh.form_version_id
    WHERE definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM fresh.agency_id
  ) THEN
    RAISE EXCEPTION 'import_job.form_version_id names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $body$;

CREATE OR REPLACE FUNCTION import_job_form_version_id_guard_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM public.definition
    WHERE definition.id = NEW.form_version_id AND definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM NEW.agency_id
  ) THEN
    RAISE EXCEPTION 'import_job.form_version_id names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NEW;
END $body$;

CREATE OR REPLACE TRIGGER import_job_form_version_id_guard_insert AFTER INSERT ON "import_job"
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION import_job_form_version_id_guard_insert();

CREATE OR REPLACE TRIGGER import_job_form_version_id_guard_update BEFORE UPDATE OF form_version_id, agency_id ON "import_job"
FOR EACH ROW EXECUTE FUNCTION import_job_form_version_id_guard_update();

CREATE OR REPLACE FUNCTION publication_definition_id_guard_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM fresh JOIN public.definition ON definition.id = fresh.definition_id
    WHERE definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM fresh.agency_id
  ) THEN
    RAISE EXCEPTION 'publication.definition_id names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $body$;

CREATE OR REPLACE FUNCTION publication_definition_id_guard_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM public.definition
    WHERE definition.id = NEW.definition_id AND definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM NEW.agency_id
  ) THEN
    RAISE EXCEPTION 'publication.definition_id names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NEW;
END $body$;

CREATE OR REPLACE TRIGGER publication_definition_id_guard_insert AFTER INSERT ON "publication"
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION publication_definition_id_guard_insert();

CREATE OR REPLACE TRIGGER publication_definition_id_guard_update BEFORE UPDATE OF definition_id, agency_id ON "publication"
FOR EACH ROW EXECUTE FUNCTION publication_definition_id_guard_update();

CREATE OR REPLACE FUNCTION survey_round_definition_id_guard_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM fresh JOIN public.definition ON definition.id = fresh.definition_id
    WHERE definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM fresh.agency_id
  ) THEN
    RAISE EXCEPTION 'survey_round.definition_id names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $body$;

CREATE OR REPLACE FUNCTION survey_round_definition_id_guard_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM public.definition
    WHERE definition.id = NEW.definition_id AND definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM NEW.agency_id
  ) THEN
    RAISE EXCEPTION 'survey_round.definition_id names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NEW;
END $body$;

CREATE OR REPLACE TRIGGER survey_round_definition_id_guard_insert AFTER INSERT ON "survey_round"
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION survey_round_definition_id_guard_insert();

CREATE OR REPLACE TRIGGER survey_round_definition_id_guard_update BEFORE UPDATE OF definition_id, agency_id ON "survey_round"
FOR EACH ROW EXECUTE FUNCTION survey_round_definition_id_guard_update();

CREATE OR REPLACE FUNCTION record_form_version_id_guard_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM fresh JOIN public.definition ON definition.id = fresh.form_version_id
    WHERE definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM fresh.agency_id
  ) THEN
    RAISE EXCEPTION 'record.form_version_id names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $body$;

CREATE OR REPLACE FUNCTION record_form_version_id_guard_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM public.definition
    WHERE definition.id = NEW.form_version_id AND definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM NEW.agency_id
  ) THEN
    RAISE EXCEPTION 'record.form_version_id names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NEW;
END $body$;

CREATE OR REPLACE TRIGGER record_form_version_id_guard_insert AFTER INSERT ON "record"
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION record_form_version_id_guard_insert();

CREATE OR REPLACE TRIGGER record_form_version_id_guard_update BEFORE UPDATE OF form_version_id, agency_id ON "record"
FOR EACH ROW EXECUTE FUNCTION record_form_version_id_guard_update();

CREATE OR REPLACE FUNCTION cases_definition_id_guard_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM fresh JOIN public.definition ON definition.id = fresh.definition_id
    WHERE definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM fresh.agency_id
  ) THEN
    RAISE EXCEPTION 'cases.definition_id names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $body$;

CREATE OR REPLACE FUNCTION cases_definition_id_guard_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM public.definition
    WHERE definition.id = NEW.definition_id AND definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM NEW.agency_id
  ) THEN
    RAISE EXCEPTION 'cases.definition_id names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NEW;
END $body$;

CREATE OR REPLACE TRIGGER cases_definition_id_guard_insert AFTER INSERT ON "cases"
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION cases_definition_id_guard_insert();

CREATE OR REPLACE TRIGGER cases_definition_id_guard_update BEFORE UPDATE OF definition_id, agency_id ON "cases"
FOR EACH ROW EXECUTE FUNCTION cases_definition_id_guard_update();

CREATE OR REPLACE FUNCTION case_event_form_id_guard_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM fresh JOIN public.definition ON definition.id = fresh.form_id
    WHERE definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM fresh.agency_id
  ) THEN
    RAISE EXCEPTION 'case_event.form_id names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $body$;

CREATE OR REPLACE FUNCTION case_event_form_id_guard_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM public.definition
    WHERE definition.id = NEW.form_id AND definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM NEW.agency_id
  ) THEN
    RAISE EXCEPTION 'case_event.form_id names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NEW;
END $body$;

CREATE OR REPLACE TRIGGER case_event_form_id_guard_insert AFTER INSERT ON "case_event"
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION case_event_form_id_guard_insert();

CREATE OR REPLACE TRIGGER case_event_form_id_guard_update BEFORE UPDATE OF form_id, agency_id ON "case_event"
FOR EACH ROW EXECUTE FUNCTION case_event_form_id_guard_update();

CREATE OR REPLACE FUNCTION feedback_invitation_definition_id_guard_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM fresh JOIN public.definition ON definition.id = fresh.definition_id
    WHERE definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM fresh.agency_id
  ) THEN
    RAISE EXCEPTION 'feedback_invitation.definition_id names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $body$;

CREATE OR REPLACE FUNCTION feedback_invitation_definition_id_guard_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM public.definition
    WHERE definition.id = NEW.definition_id AND definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM NEW.agency_id
  ) THEN
    RAISE EXCEPTION 'feedback_invitation.definition_id names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NEW;
END $body$;

CREATE OR REPLACE TRIGGER feedback_invitation_definition_id_guard_insert AFTER INSERT ON "feedback_invitation"
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION feedback_invitation_definition_id_guard_insert();

CREATE OR REPLACE TRIGGER feedback_invitation_definition_id_guard_update BEFORE UPDATE OF definition_id, agency_id ON "feedback_invitation"
FOR EACH ROW EXECUTE FUNCTION feedback_invitation_definition_id_guard_update();

CREATE OR REPLACE FUNCTION feedback_answer_form_id_guard_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM fresh JOIN public.definition ON definition.id = fresh.form_id
    WHERE definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM fresh.agency_id
  ) THEN
    RAISE EXCEPTION 'feedback_answer.form_id names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $body$;

CREATE OR REPLACE FUNCTION feedback_answer_form_id_guard_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM public.definition
    WHERE definition.id = NEW.form_id AND definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM NEW.agency_id
  ) THEN
    RAISE EXCEPTION 'feedback_answer.form_id names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NEW;
END $body$;

CREATE OR REPLACE TRIGGER feedback_answer_form_id_guard_insert AFTER INSERT ON "feedback_answer"
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION feedback_answer_form_id_guard_insert();

CREATE OR REPLACE TRIGGER feedback_answer_form_id_guard_update BEFORE UPDATE OF form_id, agency_id ON "feedback_answer"
FOR EACH ROW EXECUTE FUNCTION feedback_answer_form_id_guard_update();

GRANT USAGE ON SCHEMA public TO wangge_app, wangge_scan;

ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO wangge_app;

GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO wangge_app;

GRANT SELECT ON "ab_group" TO wangge_app;

GRANT SELECT ON "ab_permission" TO wangge_app;

GRANT SELECT ON "ab_register_user" TO wangge_app;

GRANT SELECT ON "ab_role" TO wangge_app;

GRANT SELECT ON "ab_view_menu" TO wangge_app;

GRANT SELECT, INSERT, UPDATE ON "agency" TO wangge_app;

GRANT SELECT, UPDATE ON "configuration_epoch" TO wangge_app;

GRANT SELECT, INSERT, UPDATE, DELETE ON "fact_case" TO wangge_app;

ALTER TABLE "fact_case" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "fact_case" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "fact_case" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "fact_case" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE, DELETE ON "fact_holding" TO wangge_app;

ALTER TABLE "fact_holding" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "fact_holding" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "fact_holding" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "fact_holding" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE, DELETE ON "fact_task" TO wangge_app;

ALTER TABLE "fact_task" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "fact_task" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "fact_task" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "fact_task" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE ON "heartbeat" TO wangge_app;

GRANT SELECT, INSERT, UPDATE, DELETE ON "sign_in_count" TO wangge_app;

GRANT SELECT ON "unsound_plugin" TO wangge_app;

GRANT SELECT ON "ab_group_role" TO wangge_app;

GRANT SELECT ON "ab_permission_view" TO wangge_app;

GRANT SELECT, INSERT, UPDATE ON "ab_user" TO wangge_app;

GRANT SELECT, INSERT ON "audit_entry" TO wangge_app;

ALTER TABLE "audit_entry" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "audit_entry" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "audit_entry" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "audit_entry" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE ON "department" TO wangge_app;

ALTER TABLE "department" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "department" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "department" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "department" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, UPDATE ON "fact_progress" TO wangge_app;

ALTER TABLE "fact_progress" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "fact_progress" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "fact_progress" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "fact_progress" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT (agency_id, due_at, known_at) ON "fact_progress" TO wangge_scan;

CREATE POLICY scan_due ON "fact_progress" FOR SELECT TO wangge_scan USING (true);

GRANT SELECT, INSERT, UPDATE ON "grid_scheme" TO wangge_app;

GRANT SELECT, INSERT, UPDATE, DELETE ON "holiday" TO wangge_app;

ALTER TABLE "holiday" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "holiday" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "holiday" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "holiday" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

CREATE POLICY shared ON "holiday" FOR SELECT TO wangge_app USING (agency_id IS NULL);

GRANT SELECT, INSERT ON "holiday_year" TO wangge_app;

ALTER TABLE "holiday_year" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "holiday_year" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "holiday_year" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "holiday_year" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

CREATE POLICY shared ON "holiday_year" FOR SELECT TO wangge_app USING (agency_id IS NULL);

GRANT SELECT, INSERT, UPDATE, DELETE ON "idempotency_key" TO wangge_app;

ALTER TABLE "idempotency_key" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "idempotency_key" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "idempotency_key" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "idempotency_key" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE, DELETE ON "outbox" TO wangge_app;

ALTER TABLE "outbox" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "outbox" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "outbox" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "outbox" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT (agency_id, id, due_at, state) ON "outbox" TO wangge_scan;

CREATE POLICY scan_due ON "outbox" FOR SELECT TO wangge_scan USING (true);

GRANT SELECT, INSERT, UPDATE ON "post" TO wangge_app;

ALTER TABLE "post" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "post" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "post" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "post" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE ON "record_serial" TO wangge_app;

ALTER TABLE "record_serial" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "record_serial" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "record_serial" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "record_serial" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE ON "role" TO wangge_app;

ALTER TABLE "role" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "role" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "role" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "role" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, DELETE ON "snapshot" TO wangge_app;

ALTER TABLE "snapshot" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "snapshot" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "snapshot" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "snapshot" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT ON "ab_api_key" TO wangge_app;

GRANT SELECT ON "ab_permission_view_role" TO wangge_app;

GRANT SELECT ON "ab_user_group" TO wangge_app;

GRANT SELECT ON "ab_user_role" TO wangge_app;

GRANT SELECT, INSERT, UPDATE ON "agency_office_hours" TO wangge_app;

ALTER TABLE "agency_office_hours" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "agency_office_hours" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "agency_office_hours" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "agency_office_hours" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE ON "agency_plugin" TO wangge_app;

ALTER TABLE "agency_plugin" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "agency_plugin" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "agency_plugin" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "agency_plugin" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT ON "attachment" TO wangge_app;

ALTER TABLE "attachment" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "attachment" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "attachment" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "attachment" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE, DELETE ON "auth_session" TO wangge_app;

GRANT SELECT, INSERT, UPDATE, DELETE ON "definition" TO wangge_app;

ALTER TABLE "definition" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "definition" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "definition" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "definition" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

CREATE POLICY shared ON "definition" FOR SELECT TO wangge_app USING (agency_id IS NULL);

GRANT SELECT, INSERT, DELETE ON "frozen_answer" TO wangge_app;

ALTER TABLE "frozen_answer" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "frozen_answer" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "frozen_answer" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "frozen_answer" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, DELETE ON "frozen_case" TO wangge_app;

ALTER TABLE "frozen_case" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "frozen_case" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "frozen_case" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "frozen_case" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, DELETE ON "frozen_holding" TO wangge_app;

ALTER TABLE "frozen_holding" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "frozen_holding" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "frozen_holding" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "frozen_holding" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, DELETE ON "frozen_record" TO wangge_app;

ALTER TABLE "frozen_record" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "frozen_record" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "frozen_record" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "frozen_record" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, DELETE ON "frozen_task" TO wangge_app;

ALTER TABLE "frozen_task" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "frozen_task" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "frozen_task" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "frozen_task" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT ON "grid_change" TO wangge_app;

GRANT SELECT, INSERT, UPDATE, DELETE ON "grid_level" TO wangge_app;

GRANT SELECT, INSERT, UPDATE, DELETE ON "grid_scheme_share" TO wangge_app;

GRANT SELECT, INSERT, UPDATE ON "member" TO wangge_app;

ALTER TABLE "member" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "member" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "member" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "member" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE ON "notice" TO wangge_app;

ALTER TABLE "notice" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "notice" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "notice" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "notice" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE, DELETE ON "notice_channel" TO wangge_app;

ALTER TABLE "notice_channel" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "notice_channel" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "notice_channel" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "notice_channel" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE, DELETE ON "second_factor" TO wangge_app;

GRANT SELECT, INSERT, UPDATE (address), DELETE ON "sign_in_record" TO wangge_app;

GRANT SELECT, INSERT, UPDATE ON "team" TO wangge_app;

ALTER TABLE "team" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "team" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "team" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "team" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE ON "grid" TO wangge_app;

GRANT SELECT, INSERT, UPDATE ON "import_job" TO wangge_app;

ALTER TABLE "import_job" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "import_job" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "import_job" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "import_job" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE ON "notice_sending" TO wangge_app;

ALTER TABLE "notice_sending" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "notice_sending" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "notice_sending" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "notice_sending" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE, DELETE ON "publication" TO wangge_app;

ALTER TABLE "publication" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "publication" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "publication" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "publication" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE, DELETE ON "recovery_code" TO wangge_app;

GRANT SELECT, INSERT, UPDATE ON "survey_round" TO wangge_app;

ALTER TABLE "survey_round" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "survey_round" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "survey_round" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "survey_round" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE, DELETE ON "team_member" TO wangge_app;

ALTER TABLE "team_member" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "team_member" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "team_member" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "team_member" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT ON "grid_succession" TO wangge_app;

GRANT SELECT, INSERT, UPDATE, DELETE ON "import_problem" TO wangge_app;

ALTER TABLE "import_problem" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "import_problem" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "import_problem" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "import_problem" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE, DELETE ON "publication_result" TO wangge_app;

ALTER TABLE "publication_result" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "publication_result" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "publication_result" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "publication_result" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE ON "record" TO wangge_app;

ALTER TABLE "record" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "record" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "record" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "record" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE, DELETE ON "responsibility" TO wangge_app;

ALTER TABLE "responsibility" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "responsibility" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "responsibility" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "responsibility" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE, DELETE ON "role_assignment" TO wangge_app;

ALTER TABLE "role_assignment" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "role_assignment" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "role_assignment" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "role_assignment" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE ON "cases" TO wangge_app;

ALTER TABLE "cases" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "cases" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "cases" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "cases" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, DELETE ON "record_attachment" TO wangge_app;

ALTER TABLE "record_attachment" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "record_attachment" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "record_attachment" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "record_attachment" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT ON "record_event" TO wangge_app;

ALTER TABLE "record_event" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "record_event" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "record_event" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "record_event" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, DELETE ON "record_relation" TO wangge_app;

ALTER TABLE "record_relation" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "record_relation" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "record_relation" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "record_relation" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT ON "case_attachment" TO wangge_app;

ALTER TABLE "case_attachment" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "case_attachment" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "case_attachment" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "case_attachment" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT ON "case_event" TO wangge_app;

ALTER TABLE "case_event" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "case_event" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "case_event" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "case_event" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE ON "case_personal" TO wangge_app;

ALTER TABLE "case_personal" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "case_personal" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "case_personal" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "case_personal" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE, DELETE ON "case_timer" TO wangge_app;

ALTER TABLE "case_timer" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "case_timer" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "case_timer" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "case_timer" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT (agency_id, id, due_at) ON "case_timer" TO wangge_scan;

CREATE POLICY scan_due ON "case_timer" FOR SELECT TO wangge_scan USING (true);

GRANT SELECT, INSERT, UPDATE ON "feedback_invitation" TO wangge_app;

ALTER TABLE "feedback_invitation" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "feedback_invitation" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "feedback_invitation" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "feedback_invitation" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT ON "feedback_answer" TO wangge_app;

ALTER TABLE "feedback_answer" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "feedback_answer" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "feedback_answer" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "feedback_answer" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE ON "feedback_reopening" TO wangge_app;

ALTER TABLE "feedback_reopening" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "feedback_reopening" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "feedback_reopening" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "feedback_reopening" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

GRANT SELECT, INSERT, UPDATE ON "feedback_words" TO wangge_app;

ALTER TABLE "feedback_words" ENABLE ROW LEVEL SECURITY;

ALTER TABLE "feedback_words" FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON "feedback_words" TO wangge_owner USING (true) WITH CHECK (true);

CREATE POLICY own_agency ON "feedback_words" TO wangge_app USING (agency_id = (SELECT nullif(current_setting('wangge.agency', true), '')::integer)) WITH CHECK (agency_id = nullif(current_setting('wangge.agency', true), '')::integer);

INSERT INTO configuration_epoch (id, value) VALUES (1, 1) ON CONFLICT DO NOTHING;
