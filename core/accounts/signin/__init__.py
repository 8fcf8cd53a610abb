"""Signing in and out: passwords, sessions, tokens, second factors, and the authenticator of every request."""
