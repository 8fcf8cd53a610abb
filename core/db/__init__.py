"""PostgreSQL: connections, the unit of work, row-level security and the column types we add."""
