"""Telling people: inside the application, and by whatever channel an agency has set up."""
