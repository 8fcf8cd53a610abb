"""Workflows: definitions, the pure engine that walks them, and the cases that stand on it.

``types``, ``definition``, ``compiler``, ``clockwork``, ``engine``, ``soundness``
and ``reference`` are plain Python; the rest of the package stores and serves.
"""
