"""Every setting of an installation, in one documented dataclass.

Settings come from the environment alone; ``wangge init`` and ``wangge demo``
keep the secrets of a machine in ``<var>/secrets.env`` (mode 0600), which is
read first and never logged.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

SECRET_NAMES = ("WANGGE_SECRET_KEY", "WANGGE_JWT_SECRET_KEY")


@dataclass(frozen=True)
class Settings:
    """What one installation is told from outside.

    Secrets have ``repr=False``: a printed or logged Settings shows none.
    """

    var: Path
    """Folder of everything that the installation writes (WANGGE_VAR, default ``var``)."""
    database_url: str
    """URL of the application role; empty means the embedded server (WANGGE_DATABASE_URL)."""
    database_owner_url: str
    """URL of the role that owns the tables and migrates (WANGGE_DATABASE_OWNER_URL)."""
    database_scan_url: str
    """URL of the role that may only see what is due (WANGGE_DATABASE_SCAN_URL)."""
    broker_url: str
    """Celery broker; empty means files under ``var`` (WANGGE_BROKER_URL)."""
    attachments_url: str
    """fsspec URL of the attachment store; empty means ``var/attachments`` (WANGGE_ATTACHMENTS_URL)."""
    secret_key: str = field(repr=False)
    """Signs cookies (WANGGE_SECRET_KEY)."""
    jwt_secret_key: str = field(repr=False)
    """Signs access tokens (WANGGE_JWT_SECRET_KEY)."""
    host: str
    """Address to listen on (WANGGE_HOST, default 127.0.0.1)."""
    port: int
    """Port to listen on (WANGGE_PORT, default 8080)."""
    web_workers: int
    """Web processes (WANGGE_WEB_WORKERS, default 2)."""
    web_threads: int
    """Threads a web process, at most 4 (WANGGE_WEB_THREADS, default 2)."""
    public_url: str
    """Where people outside reach this installation, for links in messages (WANGGE_PUBLIC_URL, default http://<host>:<port>)."""
    secure_cookies: bool
    """Send cookies over HTTPS only (WANGGE_SECURE_COOKIES, default off for loopback)."""
    trusted_proxies: tuple[str, ...]
    """Addresses whose X-Forwarded-* headers count (WANGGE_TRUSTED_PROXIES, comma separated)."""
    time_zone: str
    """Zone of office hours and printed times (WANGGE_TIME_ZONE, default Asia/Shanghai)."""
    max_upload_bytes: int
    """Largest request body accepted (WANGGE_MAX_UPLOAD_MB, default 50 MiB)."""
    safe_mode: bool
    """Start without plugins (WANGGE_SAFE_MODE=1)."""
    metrics_token: str = field(repr=False)
    """Bearer token that may read /metrics from other machines; empty allows loopback only (WANGGE_METRICS_TOKEN)."""
    notice_hosts: tuple[str, ...]
    """Names, addresses and networks inside that notices may go to, in plain text too (WANGGE_NOTICE_HOSTS, comma separated)."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read the environment, and under it the machine's secrets file."""
        given = os.environ if env is None else env
        var = Path(given.get("WANGGE_VAR") or "var").absolute()
        values = {**_read_secrets(var / "secrets.env"), **given}
        return cls(
            var=var,
            database_url=values.get("WANGGE_DATABASE_URL", ""),
            database_owner_url=values.get("WANGGE_DATABASE_OWNER_URL", ""),
            database_scan_url=values.get("WANGGE_DATABASE_SCAN_URL", ""),
            broker_url=values.get("WANGGE_BROKER_URL", ""),
            attachments_url=values.get("WANGGE_ATTACHMENTS_URL", ""),
            secret_key=values.get("WANGGE_SECRET_KEY", ""),
            jwt_secret_key=values.get("WANGGE_JWT_SECRET_KEY", ""),
            host=values.get("WANGGE_HOST") or "127.0.0.1",
            port=int(values.get("WANGGE_PORT") or 8080),
            web_workers=int(values.get("WANGGE_WEB_WORKERS") or 2),
            web_threads=min(4, int(values.get("WANGGE_WEB_THREADS") or 2)),
            public_url=values.get("WANGGE_PUBLIC_URL", "").rstrip("/")
            or f"http://{values.get('WANGGE_HOST') or '127.0.0.1'}:{values.get('WANGGE_PORT') or 8080}",
            secure_cookies=values.get("WANGGE_SECURE_COOKIES") == "1",
            trusted_proxies=_listed(values.get("WANGGE_TRUSTED_PROXIES", "")),
            time_zone=values.get("WANGGE_TIME_ZONE") or "Asia/Shanghai",
            max_upload_bytes=int(values.get("WANGGE_MAX_UPLOAD_MB") or 50) * 1024 * 1024,
            safe_mode=values.get("WANGGE_SAFE_MODE") == "1",
            metrics_token=values.get("WANGGE_METRICS_TOKEN", ""),
            notice_hosts=_hosts(values.get("WANGGE_NOTICE_HOSTS", "")),
        )


def _listed(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _hosts(value: str) -> tuple[str, ...]:
    found = _listed(value)
    for network in (host for host in found if "/" in host):
        ip_network(network)  # A mistyped network is told at the start and not at the first notice.
    return found


def _read_secrets(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    pairs = (line.split("=", 1) for line in path.read_text("utf-8").splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}
