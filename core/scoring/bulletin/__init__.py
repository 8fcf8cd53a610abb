"""The bulletin 通报 of a period: the published scores as a workbook and as a page to print.

It is made of the same rows that the screens show, so that file and screen
cannot differ; nothing here reads a database.
"""
