"""The role that Socialops runs as does all that its people do, and cannot change the trail, nor what guards it."""

from uuid import uuid4

import psycopg2
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import InternalError, ProgrammingError, connection, transaction

from accounts import chaining
from accounts.models import AuditEvent
from socialops import probes
from socialops.lib import rights
from tests import company, factories
from tests.test_doctor import database_at

pytestmark = pytest.mark.django_db(transaction=True)
TRAIL = ("accounts_auditevent", "accounts_auditseal", "accounts_audithead")


@pytest.fixture
def as_app(settings):
    """After a `migrate` that was told of the role, this process works as the role."""
    role = f"app_{uuid4().hex}"
    settings.APP_DATABASE_URL = f"postgresql://{role}:secret@db/socialops"
    call_command("migrate", verbosity=0)
    with database_at(connection, USER=role):
        yield role


def refused(statement: str) -> bool:
    """Whether the database says that this role may not."""
    with pytest.raises((ProgrammingError, InternalError)) as told, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    return isinstance(told.value.__cause__, psycopg2.errors.InsufficientPrivilege)


def test_the_role_does_everything_that_the_company_does(as_app):
    """Posts, approvals, publications, conversations, doors, a departure and its evidence, all through the verbs."""
    company.found()
    chaining.seal()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (as_app,)
    assert AuditEvent.objects.filter(seal__isnull=False).exists()
    assert {"post.created", "departure.recorded", "access.granted"} <= set(
        AuditEvent.objects.values_list("action", flat=True)
    )


@pytest.mark.parametrize("table", TRAIL)
def test_the_role_can_neither_change_the_trail_nor_what_guards_it(as_app, table):
    factories.erin()
    chaining.seal()
    for statement in (
        f"UPDATE {table} SET id = id" if table != "accounts_auditseal" else f"UPDATE {table} SET seq = seq",
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
        f"ALTER TABLE {table} DISABLE TRIGGER ALL",
        f"DROP TRIGGER {table}_append_only ON {table}",
        f"DROP TABLE {table}",
        f"CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "SET session_replication_role = replica",
        "CREATE TABLE elsewhere (id int)",
        "UPDATE django_migrations SET app = app",
    ):
        assert refused(statement), statement


def test_the_owner_can_and_doctor_says_so(settings):
    """Else the tests above would prove nothing about the role."""
    settings.LOCAL = False
    assert "could change it" in probes.rights().what and "APP_DATABASE_URL" in probes.rights().mend
    factories.erin()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditevent DISABLE TRIGGER ALL")
        cursor.execute("DELETE FROM accounts_auditevent")
    assert not AuditEvent.objects.exists()


def test_doctor_is_content_with_the_role(as_app, settings):
    settings.LOCAL = False
    assert probes.rights().well


def test_the_owner_s_own_name_is_refused():
    with pytest.raises(ImproperlyConfigured, match="another role"):
        rights.grant_to("postgresql://socialops:x@db/socialops")
