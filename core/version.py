"""The version of the base, which plugins name in ``requires_core``."""

VERSION = "1.0.0"
