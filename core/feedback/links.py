"""Links and codes that work once: how their secret is made, read back and found again. Plain.

Only the SHA-256 of a secret is ever stored. A secret has so many bits that
nobody finds one by trying; its signs leave out those that look alike.
"""

from __future__ import annotations

import re
import secrets
from hashlib import sha256

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LINK_SIGNS = 26
CODE_SIGNS = 16
"""Fewer, since people type it from paper: 80 bits are far beyond trying."""
_ALIKE = str.maketrans("OIL", "011")
_WRITTEN = re.compile(f"[{SIGNS}]{{{CODE_SIGNS},{LINK_SIGNS}}}")


def new_token(signs: int = LINK_SIGNS) -> str:
    """Make the secret of a link or, with fewer signs, of a printed code."""
    return "".join(secrets.choice(SIGNS) for _ in range(signs))


def digest_of(token: str) -> bytes | None:
    """Give the digest that a secret is found by, however somebody typed it; None for what can be none."""
    meant = re.sub(r"[\s-]", "", token).upper().translate(_ALIKE)
    return sha256(meant.encode()).digest() if _WRITTEN.fullmatch(meant) else None


def grouped(token: str) -> str:
    """Write a code as people type it: in fours."""
    return "-".join(token[at : at + 4] for at in range(0, len(token), 4))


def link_of(public_url: str, agency_key: str, token: str) -> str:
    """Write the link; what stands behind # is sent to no server, so no log of one keeps it."""
    return f"{public_url}/a#{agency_key}/{token}"
