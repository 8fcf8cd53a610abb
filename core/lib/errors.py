"""The exception tree: each error has one HTTP meaning, given in one place.

WanggeError
├── Malformed 400            the request cannot be read
├── Unauthenticated 401      nobody is signed in
├── Forbidden 403            seen, but no right
├── NotFound 404             not there, or outside the actor's scope
├── Conflict 409             the state forbids it; ``extra`` says what is allowed
├── Gone 410                 it was there once and is not any more, or never was
├── PreconditionFailed 412   somebody changed it first
├── TooLarge 413
├── WrongContentType 415     the body is of another kind than this route takes
├── Invalid 422              values are wrong; each one with its path
├── PreconditionRequired 428 If-Match is missing
├── TooMany 429
└── Unavailable 503          try again later
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from core.lib.text import Message, msg


@dataclass(frozen=True)
class FieldError:
    """One wrong value: its path (``rooms[2].area``) and what to do."""

    path: str
    message: Message


class WanggeError(Exception):
    """Base of every error that a person is told."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "error"

    def __init__(self, message: Message, *, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.extra = dict(extra or {})
        self.headers: dict[str, str] = {}

    def __str__(self) -> str:
        return self.message.text("en")


class Malformed(WanggeError):  # noqa: N818
    """The request cannot be read at all."""

    status, type = 400, "malformed"


class Unauthenticated(WanggeError):  # noqa: N818
    """Nobody is signed in, or the sign-in has ended."""

    status, type = 401, "unauthenticated"


class Forbidden(WanggeError):  # noqa: N818
    """The thing is visible, but the actor lacks the right."""

    status, type = 403, "forbidden"


class NotFound(WanggeError):  # noqa: N818
    """It is not there, or outside the actor's scope; the two look alike."""

    status, type = 404, "not-found"


class Conflict(WanggeError):  # noqa: N818
    """The present state forbids it."""

    status, type = 409, "conflict"


class Gone(WanggeError):  # noqa: N818
    """What was to be used once has been used, has run out, or never was; the three look alike."""

    status, type = 410, "gone"


class PreconditionFailed(WanggeError):  # noqa: N818
    """The version the client saw is not the present one."""

    status, type = 412, "stale-version"


class TooLarge(WanggeError):  # noqa: N818
    """More bytes or rows than the limit named in the message."""

    status, type = 413, "too-large"


class WrongContentType(WanggeError):  # noqa: N818
    """The body is of another kind than this route takes."""

    status, type = 415, "unsupported-media-type"


class Invalid(WanggeError):  # noqa: N818
    """One or more values are wrong."""

    status, type = 422, "invalid"

    def __init__(self, message: Message, *, path: str = "", errors: Sequence[FieldError] = ()) -> None:
        super().__init__(message)
        self.errors = list(errors) or [FieldError(path, message)]

    @classmethod
    def many(cls, errors: Sequence[FieldError]) -> Invalid:
        """Collect several field errors under the general sentence."""
        return cls(msg("lib.invalid", count=len(errors)), errors=errors)

    def __str__(self) -> str:
        return "; ".join(f"{error.path}: {error.message.text('en')}" if error.path else error.message.text("en") for error in self.errors)


class PreconditionRequired(WanggeError):  # noqa: N818
    """A write to an existing thing came without If-Match."""

    status, type = 428, "version-required"


class TooMany(WanggeError):  # noqa: N818
    """The rate limit or the lockout speaks."""

    status, type = 429, "too-many"


class Unavailable(WanggeError):  # noqa: N818
    """A needed part is not ready; nothing was changed."""

    status, type = 503, "unavailable"
