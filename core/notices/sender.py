"""The way out: Apprise, by a URL that is kept sealed."""

from __future__ import annotations

import base64
import logging
from functools import cache
from hashlib import sha256
from typing import Any

from cryptography.fernet import Fernet, InvalidToken


class SendingFailed(Exception):  # noqa: N818
    """A channel did not take a notice; the text holds no secret."""


class Sealer:
    """Seals channel URLs with a key derived from the installation's secret."""

    def __init__(self, secret_key: str) -> None:
        self._box = Fernet(base64.urlsafe_b64encode(sha256(b"notice channel" + secret_key.encode()).digest()))

    def seal(self, url: str) -> str:
        """Seal a URL for the database."""
        return self._box.encrypt(url.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """Open a sealed URL; raise SendingFailed when the secret is another one now."""
        try:
            return self._box.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SendingFailed("the channel was sealed with another secret; enter its address again") from None


@cache
def sealer(secret_key: str) -> Sealer:
    """Give the sealer of an installation."""
    return Sealer(secret_key)


def kind_of(url: str) -> str:
    """Name the scheme of a URL: the only part of it that is ever shown."""
    return url.partition("://")[0][:40]


def is_usable(url: str) -> bool:
    """Say whether Apprise knows what to do with ``url``."""
    return bool(_apprise().add(url))


def send(url: str, *, title: str, body: str) -> None:
    """Send one notice; raise SendingFailed when the channel does not take it."""
    outlet = _apprise()
    if not outlet.add(url):
        raise SendingFailed(f"no service for {kind_of(url)}:// addresses")
    if not outlet.notify(title=title, body=body):
        raise SendingFailed(f"the {kind_of(url)} channel did not take the notice")


def _apprise() -> Any:
    import apprise  # noqa: PLC0415  # takes a second and 40 MB, and most processes never send

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it logs addresses, which are secrets; the reason is kept on the sending
    return apprise.Apprise()
