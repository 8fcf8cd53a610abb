"""The rules of single records: reading, writing, finding, and where they lie."""
