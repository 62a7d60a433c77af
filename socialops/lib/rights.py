"""What the role that Socialops runs as may do in the database: what its pages and workers do, and nothing else.

The tables belong to the role that migrates. The role that runs reads and writes them, can only add to those that are
append-only, and can neither empty them nor switch their triggers off. With APP_DATABASE_URL, each `migrate` sees to it.
"""

from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from psycopg2.sql import SQL, Identifier, Literal


def after_migrating(**signal) -> None:
    """Receives post_migrate, once a `migrate`."""
    if settings.APP_DATABASE_URL:
        grant_to(settings.APP_DATABASE_URL)


@transaction.atomic
def grant_to(url: str) -> None:
    """Make the role of this address if it is missing, and give it exactly its rights on all our tables."""
    parts = urlsplit(url)
    name, password = unquote(parts.username or ""), unquote(parts.password or "")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        owner, may_make = cursor.fetchone()
        if name in ("", owner):
            raise ImproperlyConfigured("APP_DATABASE_URL must name another role than DATABASE_URL, the tables’ owner.")
        if may_make:
            _make(cursor, name, password)
        _grant(cursor, Identifier(name))


def owned_by_this_role(table: str) -> bool:
    """Whether the role that we run as could switch off what guards the table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass(%s)", [table])
        found = cursor.fetchone()
    return found is not None and found[0]


def _make(cursor, name: str, password: str) -> None:
    cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [name])
    verb = SQL("CREATE" if cursor.fetchone() is None else "ALTER")
    plain = SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {}")
    cursor.execute(plain.format(verb, Identifier(name), Literal(password or None)))


def _grant(cursor, role: Identifier) -> None:
    cursor.execute(SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
    cursor.execute(SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(role))
    cursor.execute(SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(role))
    cursor.execute(_TABLES)
    for table, append_only in cursor.fetchall():
        verbs = "SELECT, INSERT" if append_only else "SELECT, INSERT, UPDATE, DELETE"
        verbs = "SELECT" if table == "django_migrations" else verbs
        cursor.execute(SQL("GRANT {} ON {} TO {}").format(SQL(verbs), Identifier("public", table), role))


_TABLES = """
    SELECT relname, EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgname = relname || '_append_only')
    FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
"""
