"""Wangge's base: it knows grids, people, ledgers, forms, workflows and scores, and no plugin."""
