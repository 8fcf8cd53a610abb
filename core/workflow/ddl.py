"""The functions that find cases by index, by place and by a part of the title: see :mod:`core.db.finders`."""

from __future__ import annotations

from core.db.finders import AGENCY, finder
from core.lib.spacing import FILLER, spaced_pattern_sql

# The closed ones of the last days are few beside all that are closed: the index by time finds them.
_NEAR = f"""
SELECT id FROM public.cases WHERE agency_id = {AGENCY} AND category = 'open' AND xy <@ circle(here, metres)
UNION ALL
SELECT id FROM public.cases WHERE agency_id = {AGENCY} AND category = 'closed' AND reported_at >= since AND xy <@ circle(here, metres)
"""  # noqa: S608  # constants only

# Planned anew each time: for a word of every third title the index is the wrong way, for a rare one the only way.
# One character and the filler behind it are two, which the index knows nowhere but at a title's beginning; with the filler before it, they are three.
_TITLED = f"""
DECLARE pattern text := public.case_title_pattern(wanted);
BEGIN
    IF length(wanted) = 1 THEN
        RETURN QUERY EXECUTE
        'SELECT id FROM public.cases WHERE agency_id = $1 AND (title_search LIKE $2 OR title_search LIKE $3) LIMIT $4'
        USING {AGENCY}, '%{FILLER}' || substr(pattern, 2), substr(pattern, 2), most;
    ELSE
        RETURN QUERY EXECUTE 'SELECT id FROM public.cases WHERE agency_id = $1 AND title_search LIKE $2 LIMIT $3'
        USING {AGENCY}, pattern, most;
    END IF;
END
"""  # noqa: S608  # constants only

# The server makes both the searched text and the pattern, so that both agree on what small letters are.
_PATTERN = f"""
CREATE FUNCTION case_title_pattern(wanted text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $body$ SELECT {spaced_pattern_sql("wanted")} $body$;
REVOKE ALL ON FUNCTION case_title_pattern(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION case_title_pattern(text) TO wangge_app
"""  # noqa: S608  # constants only

SQL: tuple[str, ...] = (
    _PATTERN,
    finder("case_ids_near(here point, metres double precision, since timestamptz)", _NEAR, rows=20),
    finder("case_ids_titled(wanted text, most integer)", _TITLED, language="plpgsql"),
)
"""Everything to be run by the owner once the table and its policies exist."""
