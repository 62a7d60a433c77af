"""Set-up shared by every test: real servers of the run's own, and databases cloned rather than flushed.

How a test gets its database:

- `db` or `@pytest.mark.django_db`: a transaction that is rolled back. The fast way, for what one process does.
- `fresh_database`, `transactional_db` or `@pytest.mark.django_db(transaction=True)`: a database of the test's own,
  cloned from the migrated template in about 60 ms and dropped afterwards. Commits are real, so threads and processes
  see them. Django's flush is never used: append-only tables refuse TRUNCATE.
- `demo`, `demo_site`: the demo company, cloned once a module for tests that only read (tests/fernhill.py).
- `worker`, `beat`, `processes.web()`: real processes on that fresh database (tests/processes.py).
- `web`, `page`: a real browser on its pages, served by this process (tests/browser.py).
"""

import fcntl
import gc
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import django
import pytest

from tests import servers, template
from tests.atproto.fixture import atproto  # noqa: F401
from tests.browser import browser, browser_context, page, web  # noqa: F401
from tests.fernhill import demo, demo_database, demo_site  # noqa: F401
from tests.processes import beat, processes, sandbox, sandbox_server, worker  # noqa: F401

LONG = (
    "tests/test_pages", "tests/journeys/", "tests/faults/test_killed", "tests/test_every_url",
    "tests/lib/delivery/test_model", "tests/faults/", "tests/test_compose", "tests/publishing/test_in_a_browser",
)  # fmt: skip
OWN_SERVERS = pytest.StashKey[servers.OwnServers]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[OWN_SERVERS] = servers.claim_servers()
    os.environ["DJANGO_SETTINGS_MODULE"] = "socialops.settings"
    django.setup()  # only now may the settings load
    del os.environ["DJANGO_SETTINGS_MODULE"]  # or xdist's workers load them before they claimed a broker of their own
    _hash_fast()
    gc.set_threshold(50_000, 20, 100)  # as in a shift: Django's own objects are no garbage


def _hash_fast() -> None:
    """A password costs a quarter of a second by design. The same hash with less work is read by every process."""
    from django.contrib.auth.hashers import ScryptPasswordHasher

    ScryptPasswordHasher.work_factor = 2**4


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that nobody waits for it in the end (xdist hands out whole files)."""
    items.sort(key=lambda item: next((n for n, name in enumerate(LONG) if item.nodeid.startswith(name)), len(LONG)))


def pytest_unconfigure() -> None:
    servers.release_servers()


@pytest.fixture(scope="session")
def own_servers(pytestconfig: pytest.Config) -> servers.OwnServers:
    """PostgreSQL and Valkey of this run, with their addresses on sockets and on TCP."""
    return pytestconfig.stash[OWN_SERVERS]


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_blocker, own_servers):
    """The template is made once a run (tests/template.py); every process of the run works on a clone of it."""
    name = f"socialops_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with django_db_blocker.unblock():
        _migrate_template(own_servers)
        own_servers.clone(servers.TEMPLATE, name)
        servers.switch_to(name)
        yield
        servers.switch_to("socialops")
        own_servers.drop(name)


def _migrate_template(own_servers: servers.OwnServers) -> None:
    from django.core.management import call_command

    with (own_servers.home / "template.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if own_servers.exists(servers.TEMPLATE):
            return
        half = servers.TEMPLATE + "_new"
        own_servers.drop(half)
        own_servers.execute(f'CREATE DATABASE "{half}"')
        if not template.bring_back(own_servers.database_url(half)):
            servers.switch_to(half)
            with _fields_copied():
                call_command("migrate", verbosity=0)
            servers.switch_to("socialops")
            template.keep(own_servers.database_url(half))
        own_servers.execute(f'ALTER DATABASE "{half}" RENAME TO "{servers.TEMPLATE}"')


@contextmanager
def _fields_copied() -> Iterator[None]:
    """Migrating makes every model some eighty times. A field that is copied, not made anew, halves that; the tables are
    the same. (tests/test_compose.py and `make demo` migrate without it.)
    """
    from django.db.models import Field

    def clone(field: Field) -> Field:
        copied = deepcopy(field)
        copied.creation_counter, Field.creation_counter = Field.creation_counter, Field.creation_counter + 1
        return copied

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Field, "clone", clone)
        yield


_clones = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def _clone_instead_of_flush(own_servers):
    """Transactional tests get a database of their own: our append-only tables refuse the TRUNCATE of Django's flush."""
    from django.db import connection
    from django.test import TransactionTestCase

    patch = pytest.MonkeyPatch()
    outer: list[str] = []

    def clone(cls):
        outer.append(connection.settings_dict["NAME"])
        name = f"{outer[-1]}_{next(_clones)}"
        servers.switch_to(outer[-1])
        own_servers.clone(servers.TEMPLATE, name)
        servers.switch_to(name)

    def drop(self):
        name = connection.settings_dict["NAME"]
        servers.switch_to(outer.pop())
        own_servers.drop(name)

    patch.setattr(TransactionTestCase, "_fixture_setup", classmethod(clone))
    patch.setattr(TransactionTestCase, "_fixture_teardown", drop)
    yield
    patch.undo()


@pytest.fixture
def fresh_database(transactional_db, own_servers) -> str:
    """A database of this test's own; the value is its DATABASE_URL.

    Hand it to a process that you start: `subprocess.Popen([...], env={**os.environ, "DATABASE_URL": fresh_database})`.
    What the test commits, the process sees, and the other way round; no cleaning up, the database is dropped (which
    also cuts off a process that is still connected).
    """
    from django.db import connection

    return own_servers.database_url(connection.settings_dict["NAME"])
