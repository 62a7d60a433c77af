"""The tests' own servers and databases, on which every other test stands."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings
from django.db import connection

from socialops.local.processes import command_of
from tests import servers, template
from tests.servers import CHECKOUT


@pytest.mark.django_db
def test_a_test_runs_in_a_real_postgresql_with_all_migrations():
    assert connection.pg_version >= 160000
    assert "accounts_person" in connection.introspection.table_names()


def test_this_process_speaks_to_the_broker_that_its_workers_listen_to():
    assert os.environ["REDIS_URL"] == settings.REDIS_URL, "under xdist each has a logical database of its own"


@pytest.mark.parametrize("time_round", [1, 2])
def test_a_fresh_database_is_real_to_other_processes_and_empty_for_the_next_test(fresh_database, time_round):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE seen_outside (id int)")
        cursor.execute("INSERT INTO seen_outside VALUES (1)")
    with psycopg2.connect(fresh_database) as outside, outside.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM seen_outside")
        assert cursor.fetchone() == (1,)


@pytest.mark.django_db(transaction=True)
def test_a_transactional_test_may_leave_a_table_that_refuses_truncate():
    """Django's flush would fail in the teardown of this test; the clone is dropped instead."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$")
        cursor.execute("CREATE TRIGGER keep BEFORE TRUNCATE ON django_session EXECUTE FUNCTION refuse()")


@pytest.mark.django_db
def test_the_shared_database_is_untouched_by_what_transactional_tests_left():
    assert "seen_outside" not in connection.introspection.table_names()


def test_a_killed_run_leaves_neither_servers_nor_directories():
    words = "from tests import servers; own = servers.claim_servers(); print(own.home, flush=True); input()"
    run = subprocess.Popen(
        [sys.executable, "-c", words], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"},
    )  # fmt: skip
    home = Path(run.stdout.readline().strip())
    assert (home / "run").is_dir()
    postmaster = int(next(home.glob("postgres-*/postmaster.pid")).read_text().splitlines()[0])
    run.send_signal(signal.SIGKILL)
    run.wait()
    deadline = time.monotonic() + 20
    while home.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not home.exists()
    assert "postgres" not in command_of(postmaster)


def test_a_kept_template_comes_back_as_it_was(own_servers, django_db_setup, tmp_path):
    made = own_servers.database_url(servers.TEMPLATE)
    template.keep(made, tmp_path)
    name = f"{connection.settings_dict['NAME']}_back"
    own_servers.execute(f'CREATE DATABASE "{name}"')
    try:
        assert template.bring_back(own_servers.database_url(name), tmp_path)
        brackets = bytes.maketrans(b"()", b"  ")  # PostgreSQL leaves some out when it reads its own words again
        back = template.dumped(own_servers.database_url(name)).translate(brackets).split()
        assert back == template.dumped(made).translate(brackets).split()
        assert not template.bring_back(own_servers.database_url(name), tmp_path), "it is not empty any more"
    finally:
        own_servers.drop(name)


@pytest.mark.parametrize("path", ["accounts/migrations/0009_new.py", "inbox/models/message.py", "socialops/lib/sql.py"])
def test_whoever_changes_what_migrating_reads_migrates_anew(tmp_path, path):
    (tmp_path / path).parent.mkdir(parents=True)
    before = template.fingerprint(tmp_path)
    (tmp_path / path).write_text("x = 1")
    changed = template.fingerprint(tmp_path)
    (tmp_path / path).write_text("x = 2")
    assert len({before, changed, template.fingerprint(tmp_path)}) == 3
    assert not template.bring_back("", tmp_path)
