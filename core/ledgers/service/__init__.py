"""The rules of single records: reading, writing, finding, and where they lie."""

from core.ledgers.service import context  # registers how a form's record fields are looked up

__all__ = ["context"]
