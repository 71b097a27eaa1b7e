"""What the running role may do in the database: exactly what the product needs, read from the catalogue.

Where one role migrates and owns the tables, and another runs the product, the second cannot take the ledger's guards
down. What a guard refuses to everybody is not granted either.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from django.db import connection
from psycopg import sql

from traceability import ledger

WHOLE = ("SELECT", "INSERT", "UPDATE", "DELETE")
BEYOND = ("TRUNCATE", "REFERENCES", "TRIGGER")
"""No table needs these."""

ENTRY = "traceability_entry"
OF_THE_OWNER: dict[str, tuple[str, ...]] = {
    ENTRY: ("SELECT",),
    "traceability_streamhead": ("SELECT",),
    "traceability_installation": ("SELECT",),
    "traceability_archive": ("SELECT",),
    "django_migrations": ("SELECT",),
    "django_content_type": ("SELECT",),
    "auth_permission": ("SELECT",),
}
"""What only the ledger's own functions and migrations write; an entry is inserted without the figures of the chain."""

CALLED = ("traceability_erase", "traceability_rebase", "knowledge_index_space", "knowledge_drop_space")
"""Functions of the owner that the product calls. Archiving is for who owns the ledger."""

TABLES = r"""
SELECT class.relname,
    coalesce(bool_or(each.tgtype & 16 > 0 AND called.proname LIKE '%%\_refuse'), false) AS update_refused,
    coalesce(bool_or(each.tgtype & 8 > 0 AND called.proname LIKE '%%\_refuse'), false) AS delete_refused,
    max(encode(each.tgargs, 'escape')) FILTER (WHERE called.proname LIKE '%%\_keep') AS kept_but
FROM pg_class AS class
LEFT JOIN pg_trigger AS each ON each.tgrelid = class.oid AND each.tgtype & 3 = 3 AND each.tgqual IS NULL
LEFT JOIN pg_proc AS called ON called.oid = each.tgfoid
WHERE class.relkind IN ('r', 'p', 'v', 'm') AND class.relnamespace = current_schema()::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = class.oid AND deptype = 'e')
GROUP BY class.relname ORDER BY class.relname
"""
FUNCTIONS = r"""
SELECT proname, oid::regprocedure::text FROM pg_proc
WHERE pronamespace = current_schema()::regnamespace AND prosecdef ORDER BY proname
"""
HELD = """
SELECT has_table_privilege(%(role)s, %(table)s::regclass, %(right)s)
    OR %(column)s AND has_any_column_privilege(%(role)s, %(table)s::regclass, %(right)s)
"""
STANDING = """
SELECT rolsuper, rolcreaterole, rolreplication,
    pg_has_role(%(role)s, (SELECT relowner FROM pg_class WHERE oid = 'traceability_entry'::regclass), 'MEMBER'),
    (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'traceability_entry'::regclass),
    has_schema_privilege(%(role)s, current_schema(), 'CREATE'),
    has_database_privilege(%(role)s, current_database(), 'TEMPORARY'),
    has_parameter_privilege(%(role)s, 'session_replication_role', 'SET'),
    ARRAY(SELECT rolname::text FROM pg_roles WHERE rolname = ANY(%(strong)s) AND pg_has_role(%(role)s, oid, 'MEMBER'))
FROM pg_roles WHERE rolname = %(role)s
"""
STRONG = ["pg_write_all_data", "pg_write_server_files", "pg_execute_server_program", "pg_maintain"]
"""Roles of PostgreSQL's own that would let somebody past the grants."""


class NoSuchRole(LookupError):
    """There is no such role in this database server."""


@dataclass(frozen=True)
class Standing:
    """What a role is. `owner` names who owns the ledger, `strong` are memberships that pass every grant."""

    superuser: bool
    makes_roles: bool
    replicates: bool
    owns: bool
    owner: str
    makes_tables: bool
    makes_temporary: bool
    sets_replica: bool
    strong: tuple[str, ...]

    @property
    def is_split(self) -> bool:
        """Whether another role owns the ledger, and this one cannot become it."""
        return not (self.superuser or self.owns)


def running_role() -> str:
    """The role that this process's connection runs as."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


def standing_of(role: str) -> Standing:
    """Raises NoSuchRole."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING, {"role": role, "strong": STRONG})
        found = cursor.fetchone()
    if found is None:
        raise NoSuchRole(f"There is no role {role!r} here. Make it first: CREATE ROLE {role} LOGIN.")
    *plain, strong = found
    return Standing(**dict(zip((each.name for each in fields(Standing)), (*plain, tuple(strong)), strict=True)))


def statements(role: str) -> list[str]:
    """The GRANTs and REVOKEs that give the role what the product needs and take the rest, to be run by the owner."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), current_schema()")
        database, schema = cursor.fetchone()
        cursor.execute(FUNCTIONS)
        functions = cursor.fetchall()
    who, where = sql.Identifier(role), sql.Identifier(schema)
    lines = [
        sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC, {}").format(sql.Identifier(database), who),
        sql.SQL("REVOKE CREATE ON SCHEMA {} FROM PUBLIC, {}").format(where, who),
        sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}").format(where, who),
        sql.SQL("REVOKE ALL ON ALL SEQUENCES IN SCHEMA {} FROM {}").format(where, who),
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database), who),
        sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(where, who),
        sql.SQL("GRANT SELECT ON SEQUENCE {}.traceability_entry_order TO {}").format(where, who),
        sql.SQL("GRANT INSERT ({}) ON {}.{} TO {}").format(
            sql.SQL(", ").join(map(sql.Identifier, ledger.COLUMNS)), where, sql.Identifier(ENTRY), who
        ),
    ]
    for table, rights in wanted().items():
        given = sql.SQL(", ".join(rights))
        lines.append(sql.SQL("GRANT {} ON {}.{} TO {}").format(given, where, sql.Identifier(table), who))
    for name, signature in functions:
        called = sql.SQL(signature)
        lines.append(sql.SQL("REVOKE ALL ON FUNCTION {} FROM PUBLIC, {}").format(called, who))
        if name in CALLED:
            lines.append(sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(called, who))
    return [line.as_string() for line in lines]


def wanted() -> dict[str, tuple[str, ...]]:
    """Each table of ours with the rights that the product needs on the whole of it."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        return {table: _rights(table, *guards) for table, *guards in cursor.fetchall()}


def excess(role: str) -> Iterator[str]:
    """What the role could do beyond what the product needs, each as a phrase."""
    standing = standing_of(role)
    strong = {
        "may make roles (CREATEROLE)": standing.makes_roles,
        "may replicate (REPLICATION)": standing.replicates,
        "may make tables and functions in our schema": standing.makes_tables,
        "may make temporary tables": standing.makes_temporary,
        "may set session_replication_role": standing.sets_replica,
        **{f"is a member of {name}": True for name in standing.strong},
    }
    yield from (phrase for phrase, so in strong.items() if so)
    for table, rights in wanted().items():
        by_column = {right.partition(" ")[0] for right in rights if "(" in right}
        by_column |= {"INSERT"} if table == ENTRY else set()
        beyond = (right for right in (*WHOLE, *BEYOND) if right not in rights)
        yield from (f"holds {right} on {table}" for right in beyond if _holds(role, table, right, right in by_column))


def _holds(role: str, table: str, right: str, given_by_column: bool) -> bool:
    """On the whole table; or for changes on any column, unless some columns are what is needed."""
    by_column = right in {"INSERT", "UPDATE"} and not given_by_column
    with connection.cursor() as cursor:
        cursor.execute(HELD, {"role": role, "table": table, "right": right, "column": by_column})
        return bool(cursor.fetchone()[0])


def _rights(table: str, update_refused: bool, delete_refused: bool, kept_but: str | None) -> tuple[str, ...]:
    if table in OF_THE_OWNER:
        return OF_THE_OWNER[table]
    given = {"SELECT": "SELECT", "INSERT": "INSERT", "UPDATE": "UPDATE", "DELETE": "DELETE"}
    if kept_but:
        given["UPDATE"] = f"UPDATE ({', '.join(filter(None, kept_but.split(chr(92) + '000')))})"
    refused = {"UPDATE": update_refused, "DELETE": delete_refused}
    return tuple(right for name, right in given.items() if not refused.get(name, False))
