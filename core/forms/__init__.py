"""Forms: fields, conditions, checks and computed values, compiled once and enforced on the server.

``definition`` is what a form says, ``fields`` what each field type means,
``compile`` makes the two into a ``CompiledForm``; none of them knows a database.
``service`` finds the right version and checks references against the database.
"""
