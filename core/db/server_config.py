"""The texts that configure the embedded database server: settings, who may connect, and the first roles.

Pure text from values; nothing here touches a file or a process.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

OWNER, APP, SCAN, SUPERUSER = "wangge_owner", "wangge_app", "wangge_scan", "postgres"
DATABASE = "wangge"
EXTENSIONS = ("ltree", "pg_trgm", "btree_gist")
PORT = 5432  # Only part of the socket's file name: the server listens on no network address.

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    # Durability is what a closed case rests on: never traded for speed.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "wal_compression": "on",
    "checkpoint_timeout": "15min",
    # Short queries of one case: compiling a plan costs more than running it, and disks are solid state.
    "jit": "off",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    # Statements and DETAIL lines hold personal data; the log says what failed, not with which values.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


def settings_text(socket_folder: Path, shared_memory: str, overrides: Mapping[str, str]) -> str:
    """Write the settings file; `overrides` win over the defaults, but not over where the server listens."""
    fixed = {"listen_addresses": "", "unix_socket_directories": str(socket_folder), "dynamic_shared_memory_type": shared_memory}
    chosen = {**SETTINGS, **overrides, **fixed}
    return "".join(f"{name} = {_quoted(value)}\n" for name, value in chosen.items())


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def access_text() -> str:
    """Write pg_hba.conf: the socket only, by the operating system user only, and nobody else."""
    return f"local all {OWNER},{APP},{SCAN},{SUPERUSER} peer map=wangge\nlocal all all reject\n"


def identity_text(client: str, server: str) -> str:
    """Write pg_ident.conf: `client` is the user that runs Wangge, `server` the one that runs PostgreSQL."""
    pairs = [(client, role) for role in (OWNER, APP, SCAN)] + [(server, SUPERUSER)]
    return "".join(f'wangge "{user}" {role}\n' for user, role in pairs)


_ROLE = r"""
SELECT 'CREATE ROLE {role}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')\gexec
ALTER ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE {may_create};
"""
_DATABASE = r"""
SELECT 'CREATE DATABASE {name} OWNER {owner}' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}')\gexec
REVOKE ALL ON DATABASE {name} FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {app};
GRANT CONNECT ON DATABASE {name} TO {scan};
"""


def roles_sql() -> str:
    """Write the statements, safe to repeat, that make the three roles and the extensions of every new database."""
    roles = "".join(_ROLE.format(role=role, may_create="CREATEDB" if role == OWNER else "NOCREATEDB") for role in (OWNER, APP, SCAN))
    # To drop a database the owner may have to end other roles' connections to it.
    return f"{roles}GRANT pg_signal_backend TO {OWNER};\n" + "".join(f"CREATE EXTENSION IF NOT EXISTS {name};\n" for name in EXTENSIONS)


def database_sql(name: str) -> str:
    """Write the statements, safe to repeat, that make a database of the owner which no other role may enter."""
    return _DATABASE.format(name=name, owner=OWNER, app=APP, scan=SCAN)
