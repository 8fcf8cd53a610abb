"""The rules of residents' answers: asking, answering once, opening a case again, drawing samples. One module a use.

What other packages ask for by a register (who follows the record, whose data
is kept) is registered here.
"""

from core.feedback.service import inviting, personal

__all__ = ["inviting", "personal"]
