"""The embedded servers and the demo: started, found again, recovered, and never in each other's way."""

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import redis

from socialops.local import LocalError, Servers, places, ports
from socialops.local.supervising import Child
from tests.processes import wait_until
from tests.servers import CHECKOUT


@pytest.fixture
def home(tmp_path) -> Path:
    """A directory whose name asks for quoting."""
    return tmp_path / "a checkout, é" / ".local"


@pytest.fixture
def servers(home) -> Iterator[Servers]:
    own = Servers(home)
    yield own
    own.down()
    shutil.rmtree(own.places.sockets, ignore_errors=True)


def rows(servers: Servers) -> int:
    with psycopg2.connect(servers.database_url()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM kept")
        return cursor.fetchone()[0]


def write_a_row(servers: Servers) -> None:
    with psycopg2.connect(servers.database_url()) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS kept (id int)")
        cursor.execute("INSERT INTO kept VALUES (1)")


def test_up_starts_both_and_a_second_up_finds_them_at_once(servers):
    assert servers.up() == ["PostgreSQL", "Valkey"]
    began = time.monotonic()
    assert servers.up() == []
    assert time.monotonic() - began < 0.1
    assert redis.from_url(servers.redis_url()).ping()
    with psycopg2.connect(servers.database_url()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('fsync'), current_setting('listen_addresses')")
        assert cursor.fetchone() == ("on", "")
    assert servers.places.sockets.stat().st_mode & 0o777 == 0o700
    assert servers.down() == ["PostgreSQL", "Valkey"]
    assert servers.down() == []


@pytest.mark.parametrize("way", ["namespace", "setuid"] if os.geteuid() == 0 else [None])
def test_after_kill_9_of_both_one_up_brings_back_all_rows(home, way):
    servers = Servers(home, root_way=way)
    servers.up()
    elsewhere = servers.places.servers
    try:
        write_a_row(servers)
        os.kill(servers.postgres.pid(), signal.SIGKILL)
        os.kill(servers.valkey.pid(), signal.SIGKILL)
        assert sorted(servers.up()) == ["PostgreSQL", "Valkey"]
        assert rows(servers) == 1
    finally:
        servers.down()
        shutil.rmtree(servers.places.sockets, ignore_errors=True)
        if elsewhere != home:
            shutil.rmtree(elsewhere)


def test_a_recycled_process_id_in_the_lock_does_not_stop_the_start(servers):
    """As root every living process looks like a postmaster to PostgreSQL; this one is pytest."""
    servers.up()
    write_a_row(servers)
    postmaster = servers.postgres.pid()
    lock = next(servers.places.servers.glob("postgres-*/postmaster.pid"))
    os.kill(postmaster, signal.SIGKILL)
    wait_until(lambda: servers.postgres.pid() is None, "the server to be gone")
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    servers.up()
    assert rows(servers) == 1


def test_two_checkouts_at_once_do_not_meet(servers, tmp_path):
    other = Servers(tmp_path / "other" / ".local")
    try:
        servers.up()
        other.up()
        write_a_row(servers)
        write_a_row(other)
        write_a_row(other)
        assert (rows(servers), rows(other)) == (1, 2)
    finally:
        other.down()
        shutil.rmtree(other.places.sockets, ignore_errors=True)


def test_several_ups_at_once_start_one_of_each(home, servers):
    command = [sys.executable, "-m", "socialops.local", "up"]
    env = {**os.environ, "SOCIALOPS_HOME": str(home)}
    ups = [subprocess.Popen(command, cwd=CHECKOUT, env=env, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = sorted(up.communicate(timeout=60)[0].strip() for up in ups)
    assert said == ["Already running.", "Already running.", "Started PostgreSQL and Valkey."]


def test_a_long_path_puts_the_sockets_where_they_fit(tmp_path):
    long = Servers(tmp_path / ("deep-" * 20) / ".local")
    try:
        assert str(long.places.sockets).startswith(places.tempfile.gettempdir())
        long.up()
        assert long.postgres.running()
    finally:
        long.down()
        shutil.rmtree(long.places.sockets)


def test_a_directory_of_somebody_else_is_refused(tmp_path):
    (tmp_path / "home").write_text("a file in the way")
    with pytest.raises(LocalError, match=r"home (cannot be made|is not a directory)"):
        Servers(tmp_path / "home").up()


def test_a_full_disk_is_said_in_words(tmp_path, monkeypatch):
    def full(*args, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(places.Path, "mkdir", full)
    with pytest.raises(LocalError, match=r"cannot be made: No space left on device. Make room"):
        places.private_directory(tmp_path / "home")


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=rf"Port {port} is in use. Choose another: PORT={port + 1} make demo"):
            ports.choose_port(str(port))
    assert ports.choose_port(str(port)) == port


@pytest.mark.parametrize("asked", ["eighty", "0", "70000", "-1"])
def test_a_port_that_is_none_is_an_error(asked):
    with pytest.raises(LocalError, match="Use a number from 1 to 65535"):
        ports.choose_port(asked)


def test_without_a_wish_the_next_free_port_is_taken_and_said(monkeypatch, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(ports, "PORT", taken.getsockname()[1])
        assert ports.choose_port(None) > ports.PORT
    assert f"Port {ports.PORT} is in use, so the demo is on" in capsys.readouterr().out


def test_a_child_ends_with_the_one_who_started_it(tmp_path):
    words = (
        "import sys, time; from pathlib import Path; from socialops.local.supervising import Child\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        f"child = Child('sleeper', sleep, Path({str(tmp_path / 'log')!r}), Path({str(tmp_path)!r})).start()\n"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    starter = subprocess.Popen([sys.executable, "-c", words], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    sleeper = int(starter.stdout.readline())
    starter.kill()
    starter.wait()
    wait_until(lambda: not _alive(sleeper), "the child to end", seconds=10)


def test_a_child_that_will_not_stop_is_killed(tmp_path):
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    child = Child("deaf", [sys.executable, "-c", deaf], tmp_path / "log", tmp_path).start()
    wait_until(lambda: "deaf" in child.said(), "the child to be deaf", child)
    child.stop(seconds=0.3)
    assert not child.alive()


def test_make_lists_what_there_is():
    said = subprocess.run(["make", "--no-print-directory"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    for target in ("demo", "test", "check", "bench", "faults", "mutate", "screens", "doctor"):
        assert f"make {target} " in said.stdout


def _alive(pid: int) -> bool:
    from socialops.local.processes import command_of

    return bool(command_of(pid))


def test_the_demos_connectors_reach_the_sandbox_and_no_other_port_of_this_machine(monkeypatch):
    from socialops.lib.fetch import Blocked, checked_url
    from socialops.local.demo import _with_urls

    monkeypatch.delenv("SOCIALOPS_PRIVATE_HOSTS", raising=False)
    env, sandbox = _with_urls(8000, 45781)
    allow = env["SOCIALOPS_PRIVATE_HOSTS"].split(",")
    assert str(checked_url(f"{sandbox}/api", allow=allow)) == f"{sandbox}/api"
    with pytest.raises(Blocked):
        checked_url("http://127.0.0.1:8000/", allow=allow)
