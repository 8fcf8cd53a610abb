"""The trigger that gives every agency its row of progress, whoever makes the agency."""

from __future__ import annotations

PROGRESS = """
CREATE FUNCTION agency_has_facts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
    INSERT INTO public.fact_progress (agency_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $body$;
REVOKE ALL ON FUNCTION agency_has_facts() FROM PUBLIC;
CREATE TRIGGER agency_has_facts AFTER INSERT ON agency FOR EACH ROW EXECUTE FUNCTION agency_has_facts()
"""
