"""Which days an agency works: public holidays, make-up working days, office hours.

The table is seeded for the whole installation; an agency may set days and
publish years of its own on top. Others ask ``service.calendar_for``.
"""
