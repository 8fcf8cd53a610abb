"""Dashboards: which there are for somebody, and their tiles filled with what that person may see. One module a use."""
