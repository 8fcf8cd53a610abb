"""Many records at once: files in (CSV, XLSX, GeoJSON), files out.

``tables`` says what a file is once it is read: columns of cells in chunks.
``reading_*`` make chunks of files, ``mapping`` says which column is what,
``checking`` turns cells into values column by column, ``loading`` brings them
into the database set by set, ``running`` does a whole import, ``writing_*`` go
the other way.
"""
