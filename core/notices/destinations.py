"""Where a notice may go: which services, in which form, and to which addresses.

The address of a channel is written by an agency, and opened by the worker from inside the
installation's own network. So a channel uses one of the services named here, encrypted, and
while it sends no connection is opened to an address that is not public: whatever name it was
found by, at the first call or after a redirect. The installation may name hosts of its own
network; those are reached, in plain text too. It must not know how anything is sent.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from core.lib.errors import Invalid
from core.lib.text import msg

SERVICES = frozenset({"dingtalk", "feishu", "lark", "pushplus", "qq", "schan", "spugpush", "wechat", "wecom", "wecombot", "wxpusher"})
"""Services whose address Apprise knows by itself; the URL holds a key only."""
ENCRYPTED = frozenset({"forms", "jsons", "mailtos", "xmls"})
"""E-mail and calls of any host, encrypted."""
PLAIN = frozenset({"form", "json", "mailto", "xml"})
"""The same without encryption: only to hosts that the installation names."""
_LOCAL = (".home.arpa", ".internal", ".lan", ".local", ".localdomain", ".localhost")
_NAT64, _UNICAST = IPv6Network("64:ff9b::/96"), IPv6Network("2000::/3")


@dataclass(frozen=True)
class Inside:
    """The hosts of its own network that an installation lets notices reach."""

    names: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def of(cls, hosts: Iterable[str]) -> Inside:
        """Read names, addresses and networks (`10.1.0.0/16`); raise ValueError for a network that is none."""
        names, networks = set(), []
        for host in hosts:
            if "/" in host or _literal(host):
                networks.append(ip_network(host))
            else:
                names.add(host.lower())
        return cls(frozenset(names), tuple(networks))

    def has(self, host: str) -> bool:
        """Tell whether a host, as it is written, is one of these."""
        address = _literal(host)
        return self._covers(address) if address else host.lower() in self.names

    def with_addresses(self) -> Inside:
        """Give the same with the present addresses of its names."""
        found = list(self.networks)
        for name in self.names:
            with suppress(OSError):  # A name without an address opens the way to none.
                found += [ip_network(one[4][0]) for one in socket.getaddrinfo(name, None)]
        return Inside(self.names, tuple(found))

    def allows(self, address: str) -> bool:
        """Tell whether a connection to an address may be opened."""
        found = _literal(address.partition("%")[0])
        return found is not None and (_is_public(found) or self._covers(found))

    def _covers(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self.networks if network.version == address.version)


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    with suppress(ValueError):
        return ip_address(host.strip("[]"))
    return None


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        # Forms that carry an address of the older kind lead to that one.
        within = address.ipv4_mapped or address.sixtofour or (IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None)
        if within is not None:
            return _is_public(within)
        if address not in _UNICAST:
            return False
    return address.is_global and not address.is_multicast


def check(outlet: Any, inside: Inside) -> None:
    """Refuse an Apprise outlet whose service, form or host is not among the allowed; raises Invalid.

    What the URL became is looked at, not its text, which has more than one way to say a thing.
    """
    kind = outlet.schema
    if kind not in SERVICES | ENCRYPTED | PLAIN:
        raise Invalid(msg("notices.kind_not_allowed", kind=kind, kinds=", ".join(sorted(SERVICES | ENCRYPTED))), path="url")
    if not outlet.verify_certificate or _reads_key_files(outlet):
        raise Invalid(msg("notices.option_not_allowed"), path="url")
    if kind in SERVICES:
        return
    host = getattr(outlet, "smtp_host", "") or outlet.host or ""
    if inside.has(host):
        return
    if kind in PLAIN or getattr(outlet, "secure_mode", None) == "insecure":
        raise Invalid(msg("notices.not_encrypted", host=host), path="url")
    address = _literal(host)
    if not (_is_public(address) if address else _has_public_name(host)):
        raise Invalid(msg("notices.host_not_allowed", host=host), path="url")


def _reads_key_files(outlet: Any) -> bool:
    return any(getattr(outlet, option, None) for option in ("pgp_key", "pgp_privkey", "use_wkd"))


def _has_public_name(host: str) -> bool:
    name = host.lower().rstrip(".")
    return "." in name and not name.endswith(_LOCAL)


@dataclass
class _Watch:
    inside: Inside
    refused: bool = False


_watch: ContextVar[_Watch | None] = ContextVar("notice_watch", default=None)


@contextmanager
def watched(inside: Inside) -> Iterator[_Watch]:
    """Refuse, while it lasts and in this thread alone, every connection that the installation does not allow."""
    _install()
    watch = _Watch(inside.with_addresses())
    token = _watch.set(watch)
    try:
        yield watch
    finally:
        _watch.reset(token)


@cache
def _install() -> None:
    # Python tells of each connection right before it is opened, whichever library asks; only there is the address certain.
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    watch, (opened, address) = _watch.get(), arguments
    if watch and opened.family in {socket.AF_INET, socket.AF_INET6} and not watch.inside.allows(address[0]):
        watch.refused = True
        raise PermissionError("notices may not be sent to this address")
