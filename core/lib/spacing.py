"""Text spread out, so that an index over trigrams finds what is two characters long.

Such an index knows three characters in a row; a Chinese word is mostly two.
With a filler behind every character, two characters are four, and whatever
stood in the text stands in the spread text at the same place.
"""

from __future__ import annotations

FILLER = "\u02d0"
"""A letter to PostgreSQL in every UTF-8 locale, and written by nobody."""


def spaced(text: str) -> str:
    """Spread ``text`` out, in small letters."""
    lower = text.lower()
    return FILLER.join(lower) + FILLER if lower else ""


def spaced_pattern(query: str) -> str:
    """Make the LIKE pattern that finds ``query`` anywhere in a spread text, with its own wildcards taken literally."""
    escaped = spaced(query).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def spaced_sql(text: str) -> str:
    """Give the SQL expression that spreads the SQL text ``text`` out; it is immutable, so a generated column may be made of it."""
    return f"regexp_replace(lower({text}), '(.)', '\\1{FILLER}', 'g')"


def spaced_pattern_sql(query: str) -> str:
    """Give the SQL expression of the pattern that finds the SQL text ``query`` anywhere in a spread text."""
    return f"'%' || regexp_replace({spaced_sql(query)}, '([\\\\%_])', '\\\\\\1', 'g') || '%'"
