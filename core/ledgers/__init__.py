"""Ledgers: registers of lasting objects, each with a code, a place, a state, departments and a form's data.

``definition`` and ``codes`` are pure. ``service`` keeps single records;
``exchange`` brings many in and out as CSV, XLSX or GeoJSON. Nothing here knows
what any one ledger is about.
"""
