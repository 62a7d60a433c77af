"""Custody, on real processes: web connects and cannot read; no secret leaves its sealed column.

web has the public half of the key only. Planted tokens are looked for in logs, pages, Celery's messages, the trail,
and a plain-text dump of the whole database.
"""

import base64
import http.cookiejar
import io
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import psycopg2
import pytest
import redis

from channels_registry.models import Connection
from socialops.celery import app
from socialops.lib import keyring
from tests import factories
from tests.channels_registry.places import open_place
from tests.processes import wait_until
from tests.servers import CHECKOUT

READ = (
    "from channels_registry import sealing; from channels_registry.models import Connection; "
    "print(sealing.open_sealed(Connection.objects.get(state='live')).keys())"
)


class Browser:
    """A signed-in person at a real web process. Remembers every page it was given."""

    def __init__(self, url, client):
        self.url, self.pages, self.jar = url, [], {c.key: c.value for c in client.cookies.values()}
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, path):
        return self._ask(urllib.request.Request(self.url + path))

    def post(self, path, **answers):
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(path)[1])[1]
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **answers}).encode()
        return self._ask(urllib.request.Request(self.url + path, data, {"Referer": self.url + path}))

    def _ask(self, request):
        cookies = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        request.add_header("Cookie", cookies)
        try:
            with self.opener.open(request, timeout=30) as answer:
                url, page, headers = answer.geturl(), answer.read().decode(), answer.headers
        except urllib.error.HTTPError as error:
            url, page, headers = error.geturl(), error.read().decode(), error.headers
        for line in headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self.jar[name] = value
        self.pages.append(page)
        return url.removeprefix(self.url), page


@pytest.fixture
def keys(tmp_path, settings):
    """(all keys, web's: without the private half of the connections' key)"""
    full, public = tmp_path / "all-keys", tmp_path / "web-keys"
    settings.SEALING_KEYS = str(full)
    keyring.make_key(keyring.CONNECTIONS), keyring.make_key(keyring.WEBHOOKS)
    shutil.copytree(full, public)
    (public / "connections-1.private").unlink()
    return full, public


@pytest.fixture
def messages(own_servers):
    """Everything that is said to the broker, as text."""
    client = redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=None)
    said: list[str] = []
    ended = threading.Event()

    def listen():
        with client.monitor() as monitor:
            while not ended.is_set():
                said.append(str(monitor.next_command()))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield said
    ended.set()
    client.ping()
    thread.join(5)


def nudged(task, true, worker):
    """Say "look now", as beat does each second, until it is true."""

    def again():
        app.send_task(f"channels_registry.tasks.{task}", expires=5)
        time.sleep(0.3)
        return true()

    wait_until(again, f"{task} to have run", worker.child)


def reads_secrets(database_url, directory):
    """Whether a process with these keys can open the live connection."""
    env = {**os.environ, "DATABASE_URL": database_url, "SEALING_KEYS": str(directory)}
    ran = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", READ], cwd=CHECKOUT, env=env, capture_output=True, timeout=60
    )
    return ran.returncode == 0 and b"token" in ran.stdout, ran.stdout + ran.stderr


def spelled(secret):
    """A secret as it might stand somewhere: plain, in hex, in base64 at each of three offsets."""
    raw = secret.encode()
    shifted = [base64.b64encode(b"x" * n + raw).decode()[4 * (n > 0) + 2 : -6] for n in range(3)]
    return [secret, raw.hex(), urllib.parse.quote(secret, safe=""), *(each for each in shifted if len(each) > 12)]


def test_web_without_the_private_key_connects_and_cannot_read_and_no_secret_leaks(
    processes, there, fresh_database, keys, messages
):
    full, public = keys
    here = open_place(there, people=[{"name": "Dana", "handle": "dana", "role": "admin"}])
    gina = factories.person("gina")
    factories.grant(here.channel, gina, "manager")
    wrong = [f"canary-{n}-Zq7vK2mX9pLw4RtY" for n in range(4)]
    worker = processes.worker(SEALING_KEYS=str(full))
    web = processes.web(SEALING_KEYS=str(public))
    browser = Browser(web.url, factories.signed_in(gina))
    path = f"/channels/{here.channel.pk}/connection/"

    for canary in wrong:  # an empty address is refused by the form, the rest by the network
        address = there.url if canary != wrong[0] else ""
        waiting, _ = browser.post(path, base_url=address, token=canary)
    nudged("prove_connections", lambda: "did not accept it" in browser.get(waiting)[1], worker)
    waiting, page = browser.post(path, base_url=there.url, token=here.account["token"])
    assert waiting.startswith("/connections/"), page[:3000]
    nudged("prove_connections", lambda: "is connected" in browser.get(waiting)[1], worker)
    nudged("read_doors", lambda: here.channel.grants.filter(source="observed").exists(), worker)
    browser.get(f"/channels/{here.channel.pk}/"), browser.get(path)

    assert (public / "connections-1.private").exists() is False
    can, said = reads_secrets(fresh_database, public)
    assert not can and b"is not here" in said
    assert reads_secrets(fresh_database, full)[0], "the control: with the private key it opens"

    dump = _dump(fresh_database)
    assert "COPY public.channels_registry_connection" in dump
    places = {
        "web's log": web.said(100_000), "the worker's log": worker.said(100_000),
        "pages": "\n".join(browser.pages), "the broker": "\n".join(messages), "the database": dump,
    }  # fmt: skip
    assert "prove_connections" in places["the broker"], "the control: Celery's messages were heard"
    sealed = Connection.objects.get(state="live").sealed_secrets
    assert bytes(sealed).hex() in dump, "the control: the dump holds the sealed column"
    found = [
        (place, secret[:12])
        for place, text in places.items()
        for secret in (here.account["token"], *wrong)
        for spelling in spelled(secret)
        if spelling in text
    ]
    assert found == []


def _dump(database_url):
    """The whole database as plain text, table by table: what pg_dump writes."""
    parts = []
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            out = io.StringIO()
            cursor.copy_expert(f"COPY public.{table} TO STDOUT", out)
            parts.append(f"COPY public.{table}\n{out.getvalue()}")
    return "\n".join(parts)
