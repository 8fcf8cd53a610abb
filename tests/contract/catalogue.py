"""Everything that a database's catalogue says of its schema `public`, as text that can be compared."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Engine, text

_OURS = "relnamespace = 'public'::regnamespace AND relname NOT LIKE 'alembic_version_%'"
_OF_EXTENSION = "EXISTS (SELECT FROM pg_depend WHERE objid = {oid} AND classid = '{catalogue}'::regclass AND deptype = 'e')"

QUERIES: Mapping[str, str] = {
    "extensions": "SELECT extname, '' FROM pg_extension",
    "relations": f"""
        SELECT relname, concat_ws(' ', relkind, relpersistence, pg_get_userbyid(relowner), reloptions, pg_get_partkeydef(oid), pg_get_expr(relpartbound, oid))
        FROM pg_class WHERE relkind <> 'i' AND {_OURS}
    """,
    "row-level security": f"SELECT relname, concat_ws(' ', relrowsecurity, relforcerowsecurity) FROM pg_class WHERE relkind IN ('r', 'p') AND {_OURS}",
    "columns": f"""
        SELECT relname || '.' || attname, concat_ws(' ', attnum, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated,
            attcollation::regcollation, pg_get_expr(adbin, adrelid))
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attnum > 0 AND NOT attisdropped AND relkind <> 'i' AND {_OURS}
    """,
    "constraints": f"""
        SELECT relname || '.' || conname, concat_ws(' ', contype, convalidated, pg_get_constraintdef(pg_constraint.oid))
        FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid WHERE {_OURS}
    """,
    "indexes": f"""
        SELECT relname, concat_ws(' ', indisvalid, indisunique, pg_get_indexdef(indexrelid))
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE {_OURS}
    """,
    "policies": """
        SELECT tablename || '.' || policyname, concat_ws(' | ', permissive, roles, cmd, qual, with_check)
        FROM pg_policies WHERE schemaname = 'public'
    """,
    "triggers": f"""
        SELECT relname || '.' || tgname, concat_ws(' ', tgenabled, pg_get_triggerdef(pg_trigger.oid))
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal AND {_OURS}
    """,
    "functions": f"""
        SELECT pg_proc.oid::regprocedure::text, concat_ws(' ', pg_get_userbyid(proowner), pg_get_functiondef(pg_proc.oid))
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND NOT {_OF_EXTENSION.format(oid="pg_proc.oid", catalogue="pg_proc")}
    """,
    "types": f"""
        SELECT typname, concat_ws(' ', typtype, format_type(typbasetype, typtypmod), (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = pg_type.oid))
        FROM pg_type WHERE typtype IN ('d', 'e') AND typnamespace = 'public'::regnamespace
        AND NOT {_OF_EXTENSION.format(oid="pg_type.oid", catalogue="pg_type")}
    """,
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
    "sequences": """
        SELECT sequencename, concat_ws(' ', data_type, start_value, min_value, max_value, increment_by, cycle, cache_size, last_value)
        FROM pg_sequences WHERE schemaname = 'public'
    """,
    "grants on tables, sequences and columns": f"""
        SELECT relname || coalesce('.' || attname, ''), concat_ws(' ', grantee::regrole, privilege_type, is_grantable)
        FROM (
            SELECT relname, NULL AS attname, (aclexplode(relacl)).* FROM pg_class WHERE {_OURS}
            UNION ALL
            SELECT relname, attname, (aclexplode(attacl)).* FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE {_OURS}
        ) AS given
    """,
    "grants on functions": f"""
        SELECT signature, concat_ws(' ', grantee::regrole, privilege_type, is_grantable)
        FROM (
            SELECT pg_proc.oid::regprocedure::text AS signature, (aclexplode(coalesce(proacl, acldefault('f', proowner)))).* FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace AND NOT {_OF_EXTENSION.format(oid="pg_proc.oid", catalogue="pg_proc")}
        ) AS given
    """,
    "grants on the schema, and by default": """
        SELECT place, concat_ws(' ', grantee::regrole, privilege_type, is_grantable)
        FROM (
            SELECT 'schema' AS place, (aclexplode(nspacl)).* FROM pg_namespace WHERE nspname = 'public'
            UNION ALL
            SELECT 'default ' || defaclobjtype::text, (aclexplode(defaclacl)).* FROM pg_default_acl
        ) AS given
    """,
    "epoch": "SELECT id::text, value::text FROM public.configuration_epoch",
}
"""What is asked, each giving a name and what there is to say of it."""


def catalogue(engine: Engine) -> dict[str, set[tuple[str, str]]]:
    """Read the whole of it, as the role of the engine."""
    with engine.connect() as connection:
        connection.execute(text("SET search_path = pg_catalog"))  # so that every name is printed with its schema
        return {
            topic: {(row[0], row[1]) for row in connection.exec_driver_sql(query.replace("%", "%%"))} for topic, query in QUERIES.items()
        }


def differences(one: Engine, other: Engine) -> list[str]:
    """List what only one of two databases has: `-` the first, `+` the second."""
    first, second = catalogue(one), catalogue(other)
    gone = [(topic, *found, "-") for topic, rows in first.items() for found in rows - second[topic]]
    new = [(topic, *found, "+") for topic, rows in second.items() for found in rows - first[topic]]
    return [f"{sign} {topic}: {name} {said}" for topic, name, said, sign in sorted(gone + new)]
