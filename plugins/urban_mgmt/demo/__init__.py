"""The seeded demo: one district at its real scale, made by generators through the import services."""
