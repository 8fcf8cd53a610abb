"""What keeps a publication as it is: triggers that refuse every later change, whoever asks, the owner of the tables too.

A proposed revision may be replaced as a whole; once published nothing of it
moves, neither its scores nor the facts that they were made of. The one thing
let through is taking a person's name off a row, when the person is erased.
"""

from __future__ import annotations

_PUBLICATION = """
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
CREATE TRIGGER publication_guard BEFORE UPDATE OR DELETE ON publication FOR EACH ROW EXECUTE FUNCTION publication_guard()
"""

# A row is seen by nobody before its publication is published: what comes in after that is a change of it.
_BORN_PROPOSED = """
CREATE FUNCTION publication_is_proposed_first() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF NEW.state <> 'proposed' THEN
    RAISE EXCEPTION 'a publication is proposed before it is published' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $body$;
CREATE TRIGGER publication_is_proposed_first BEFORE INSERT ON publication FOR EACH ROW EXECUTE FUNCTION publication_is_proposed_first()
"""

_RENAMED = """
CREATE FUNCTION publication_result_guard() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF NEW.subject_name IS NOT NULL OR OLD.subject_kind <> 'person'
     OR (to_jsonb(NEW) - 'subject_name') IS DISTINCT FROM (to_jsonb(OLD) - 'subject_name') THEN
    RAISE EXCEPTION 'a published score cannot be changed' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $body$;
CREATE TRIGGER publication_result_guard BEFORE UPDATE ON publication_result FOR EACH ROW EXECUTE FUNCTION publication_result_guard()
"""

# After the statement and over all its rows at once: a month has 150,000 of them.
_SETTLED = """
CREATE FUNCTION {table}_is_settled() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM (SELECT DISTINCT agency_id, {column} AS place FROM touched) AS touched
    JOIN publication ON publication.agency_id = touched.agency_id AND publication.{of} = touched.place
    WHERE publication.state = 'published'
  ) THEN
    RAISE EXCEPTION 'rows of {table} belong to a publication and cannot be changed' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $body$;
CREATE TRIGGER {table}_is_settled_on_insert AFTER INSERT ON {table}
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_settled();
CREATE TRIGGER {table}_is_settled_on_delete AFTER DELETE ON {table}
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_settled()
"""

_STANDS = """
CREATE FUNCTION frozen_rows_stand() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $body$
"""
_STANDS_ON = "CREATE TRIGGER frozen_rows_stand BEFORE UPDATE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION frozen_rows_stand()"
_NOT_EMPTIED = "CREATE TRIGGER frozen_rows_stand BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION frozen_rows_stand()"

SNAPSHOT: tuple[str, ...] = (_STANDS, _STANDS_ON.format(table="snapshot"))
"""For the table of snapshots, which the database makes before those that refer to it."""

PUBLICATION: tuple[str, ...] = (_PUBLICATION, _BORN_PROPOSED, _NOT_EMPTIED.format(table="publication"))

RESULT: tuple[str, ...] = (
    _RENAMED,
    _SETTLED.format(table="publication_result", column="publication_id", of="id"),
    _NOT_EMPTIED.format(table="publication_result"),
)


def frozen(table: str) -> tuple[str, ...]:
    """Give what keeps a table of frozen facts as it is."""
    return (_SETTLED.format(table=table, column="snapshot_id", of="snapshot_id"), _STANDS_ON.format(table=table))
