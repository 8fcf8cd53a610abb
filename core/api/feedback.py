"""Residents' answers for plugins: bringing in what was answered before."""

from core.feedback.service.past import PastAnswer, PastRoundAnswer, import_answers, import_round
from core.feedback.service.sampling import Wished as RoundWished

__all__ = ["PastAnswer", "PastRoundAnswer", "RoundWished", "import_answers", "import_round"]
