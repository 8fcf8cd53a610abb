"""The way out: Apprise, by a URL that is kept sealed."""

from __future__ import annotations

import base64
import logging
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from core.lib.errors import Invalid
from core.lib.text import msg
from core.notices.destinations import Inside, check, watched
from core.settings import Settings


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


@dataclass(frozen=True)
class Outside:
    """What an installation says of sending: how addresses are sealed, and which of its own hosts may be reached."""

    sealer: Sealer
    inside: Inside

    @classmethod
    @cache
    def of(cls, settings: Settings) -> Outside:
        """Read it from the settings; raise ValueError when they name a network that is none."""
        return cls(Sealer(settings.secret_key), Inside.of(settings.notice_hosts))


def kind_of(url: str, inside: Inside) -> str:
    """Name the service of a URL, the only part of it that is ever shown; raise Invalid when no notice may go there."""
    outlet = _outlet(url)
    if outlet is None:
        raise Invalid(msg("notices.bad_url"), path="url")
    check(outlet, inside)
    return str(outlet.schema)


def send(url: str, *, title: str, body: str, inside: Inside) -> None:
    """Send one notice; raise SendingFailed when the channel does not take it, or may not be used any more."""
    outlet = _outlet(url)
    if outlet is None:
        raise SendingFailed("no service knows the address of the channel")
    try:
        check(outlet, inside)
    except Invalid as error:
        raise SendingFailed(error.message.text("en")) from None
    with watched(inside) as watch:
        is_taken = outlet.notify(title=title, body=body)
    if watch.refused:
        raise SendingFailed(f"the {outlet.schema} channel leads to an address that is not public")
    if not is_taken:
        raise SendingFailed(f"the {outlet.schema} channel did not take the notice")


def _outlet(url: str) -> Any:
    import apprise  # noqa: PLC0415  # takes a second and 40 MB, and most processes never send

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it logs addresses, which are secrets; the reason is kept on the sending
    # One outlet of one URL: `Apprise.add` would take several, with a comma between them.
    return apprise.Apprise.instantiate(url)
