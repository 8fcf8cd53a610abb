"""Scores: indicators counted from facts, scorecards that weigh them, and what is published of them."""
