"""Signing in and out: passwords, sessions, tokens, second factors, and the authenticator of every request."""

from core.accounts.signin.authenticator import SignIn

__all__ = ["SignIn"]
