"""The errors that a plugin may raise; each has one HTTP meaning."""

from core.lib.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, WanggeError

__all__ = ["Conflict", "FieldError", "Forbidden", "Invalid", "NotFound", "WanggeError"]
