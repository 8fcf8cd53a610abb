"""Who did what to which thing, with old and new value; append-only."""
