"""Write down the first migration from today's models: `python -m core.db.freeze`, from the root of the checkout.

The file `versions/0001_base.sql` holds every statement that `create_all` would send, so that a
later change of a model does not change the past. Until the first release it is written again
after every change of a model; from then on it never is: a change gets a revision of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.mock import MockConnection

from core.db.migrate import CORE
from core.db.schema import create_all

VERSIONS = CORE.versions
_HEAD = "-- The first migration: every statement in its order. Made by `python -m core.db.freeze`; not edited by hand.\n"


class _Notebook(MockConnection):
    """Takes the statements of `create_all` and runs none of them."""

    def __init__(self) -> None:
        # With named parameters no percent sign is doubled, so that the texts are what a server is meant to read.
        super().__init__(postgresql.dialect(paramstyle="named"), self._note)  # type: ignore[no-untyped-call]
        self.statements: list[str] = []

    def _note(self, statement: Any, *_arguments: object, **_options: object) -> None:
        self.statements.append(str(statement.compile(dialect=self.dialect)))

    def exec_driver_sql(self, statement: str) -> None:
        """Take a text that was written for the driver, which would read two percent signs as one."""
        self.statements.append(statement.replace("%%", "%"))


def frozen() -> str:
    """Give the SQL that makes the whole schema from nothing."""
    notebook: Any = _Notebook()
    create_all(notebook)
    return _HEAD + "".join(f"\n{_tidy(statement)};\n" for statement in _ordered(notebook.statements))


def _ordered(statements: Iterable[str]) -> Iterator[str]:
    # A table keeps its indexes in a set, so that they come in another order each time.
    for is_index, run in groupby(statements, lambda one: one.startswith(("CREATE INDEX", "CREATE UNIQUE INDEX"))):
        statements_of_a_kind = list(run)
        yield from sorted(statements_of_a_kind) if is_index else statements_of_a_kind


def _tidy(statement: str) -> str:
    if not statement.lstrip().startswith("CREATE TABLE"):
        return statement.strip()  # The body of a function is kept to the last blank.
    return "\n".join(line.rstrip() for line in statement.strip().expandtabs(4).splitlines())


def later_revisions(versions: Path) -> list[str]:
    """Name the revisions that came after the first; with one of them the first is history."""
    return sorted(path.name for path in versions.glob("*.py") if path.name != "0001_base.py")


def main() -> None:
    """Write the file, unless a later revision already builds on it."""
    if later := later_revisions(VERSIONS):
        sys.exit(f"The first migration is history: {', '.join(later)} builds on it. Write a new revision: make revision NAME=…")
    (VERSIONS / "0001_base.sql").write_text(frozen(), "utf-8")


if __name__ == "__main__":
    main()
