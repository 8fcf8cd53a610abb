"""The rules of single records: reading, writing, finding, and where they lie."""

# They register how record fields are looked up, what follows the land, and who sees a record's files.
from core.ledgers.service import context, land, relations

__all__ = ["context", "land", "relations"]
