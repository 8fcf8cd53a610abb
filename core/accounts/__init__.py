"""Agencies, departments, teams, people, roles and who holds which where; signing in and out."""
