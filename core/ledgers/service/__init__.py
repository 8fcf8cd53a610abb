"""The rules of single records: reading, writing, finding, and where they lie."""

# They register how record fields are looked up, what follows the land, who sees a record's files, and whom a record names.
from core.ledgers.service import context, land, personal, relations

__all__ = ["context", "land", "personal", "relations"]
