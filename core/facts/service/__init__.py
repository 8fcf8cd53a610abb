"""Facts: keeping them, rebuilding them, proving them. One module a use."""
