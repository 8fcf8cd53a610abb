"""The rules of single records: reading, writing, finding, and where they lie."""

from core.ledgers.service import context, relations  # they register how record fields are looked up, and who sees a record's files

__all__ = ["context", "relations"]
