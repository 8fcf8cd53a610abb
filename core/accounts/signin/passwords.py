"""Passwords: argon2id, older hashes still understood, and what a good one is."""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files
from itertools import pairwise
from secrets import token_urlsafe

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from werkzeug.security import check_password_hash

from core.lib.errors import Invalid
from core.lib.text import msg

SHORTEST, LONGEST = 10, 128
_FEWEST_DIFFERENT = 5

# OWASP's second choice: 19 MiB, two passes, about 25 ms.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    """Hash with argon2id."""
    return _hasher.hash(_same(password))


def is_password(stored: str | None, password: str) -> bool:
    """Compare a password with its hash; without a hash the same time passes and the answer is no."""
    if stored and not stored.startswith("$argon2"):
        return check_password_hash(stored, password)
    try:
        return _hasher.verify(stored or _nobody(), _same(password)) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Say whether the hash should be made anew at the next sign-in."""
    return not stored.startswith("$argon2id") or _hasher.check_needs_rehash(stored)


def check_policy(password: str, *, username: str) -> None:
    """Raise Invalid for a password that is short, common, of few different characters, or the user's name."""
    plain = _same(password).casefold()
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid(msg("accounts.password_length", shortest=SHORTEST, longest=LONGEST), path="password")
    if username.casefold() in plain or plain in username.casefold():
        raise Invalid(msg("accounts.password_is_name"), path="password")
    if len(set(plain)) < _FEWEST_DIFFERENT or plain in _common() or _is_run(plain):
        raise Invalid(msg("accounts.password_common"), path="password")


def make_password() -> str:
    """Make a random password that obeys the policy."""
    return token_urlsafe(15)


def _same(password: str) -> str:
    # Input methods compose the same character in different ways.
    return unicodedata.normalize("NFKC", password)


def _is_run(plain: str) -> bool:
    """Say whether every character follows the one before it, as in 1234567890 or abcdefghij."""
    steps = {ord(after) - ord(before) for before, after in pairwise(plain)}
    return len(steps - {-9}) == 1 and steps <= {1, -1, -9}


@cache
def _nobody() -> str:
    return _hasher.hash(token_urlsafe(30))


@cache
def _common() -> frozenset[str]:
    text = (files("core.accounts.signin") / "common_passwords.txt").read_text("utf-8")
    return frozenset(line.strip().casefold() for line in text.splitlines() if line.strip())
