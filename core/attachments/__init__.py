"""Photos, recordings and files: checked by content, kept in a store, seen by whoever may see what they hang on."""
