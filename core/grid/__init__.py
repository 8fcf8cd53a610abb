"""Grids: the land divided into a tree of units, with its history."""
