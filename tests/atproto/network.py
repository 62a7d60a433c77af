"""Starts the network once a run, however many processes the run has, and speaks to it as people would.

The first test that asks starts a keeper (a process of its own), which starts Node and stays until the run's directory
is gone; then it stops Node and removes its files. So the network outlives the xdist worker that started it, and no run.
"""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from socialops.local.supervising import Child
from tests.atproto.installing import installed, node
from tests.servers import CHECKOUT, OwnServers

START_SECONDS = 180
DATABASE = "atproto"


@dataclass(frozen=True)
class Account:
    """Somebody on the network. `handle` without @, `password` the main one."""

    did: str
    handle: str
    password: str
    token: str


class AtprotoNetwork:
    """`pds` is where accounts live and write, `appview` the public API that everybody reads."""

    def __init__(self, pds: str, appview: str, pid: int):
        self.pds, self.appview, self.pid = pds, appview, pid

    def make_account(self, name: str) -> Account:
        """A new account `<name>-<number>.test`; the AppView knows it about a second later."""
        handle, password = f"{name[:10]}-{time.time_ns() % 10**7}.test", "correct horse battery"
        wish = {"handle": handle, "email": f"{handle}@example.test", "password": password}
        made = self.call("com.atproto.server.createAccount", wish)
        return Account(made["did"], handle, password, made["accessJwt"])

    def app_password(self, account: Account, name: str) -> str:
        """A new app password of the account, named `name`."""
        return self.call("com.atproto.server.createAppPassword", {"name": name}, account.token)["password"]

    def can_log_in(self, identifier: str, password: str) -> bool:
        try:
            self.call("com.atproto.server.createSession", {"identifier": identifier, "password": password})
        except urllib.error.HTTPError as error:
            if error.code == 401:
                return False
            raise
        return True

    def write(
        self,
        account: Account,
        text: str,
        reply: dict[str, Any] | None = None,
        mention: str = "",
        age: timedelta = timedelta(),
    ) -> dict[str, Any]:
        """A post by somebody: {uri, cid}. `reply` is {root: {uri, cid}, parent: {uri, cid}}, `mention` a DID that the
        first word stands for, `age` how much the writer's clock is behind.
        """
        record: dict[str, Any] = {
            "$type": "app.bsky.feed.post",
            "text": text,
            "createdAt": (datetime.now(UTC) - age).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        if reply:
            record["reply"] = reply
        if mention:
            end = len(text.split(" ", 1)[0].encode())
            feature = {"$type": "app.bsky.richtext.facet#mention", "did": mention}
            record["facets"] = [{"index": {"byteStart": 0, "byteEnd": end}, "features": [feature]}]
        wish = {"repo": account.did, "collection": "app.bsky.feed.post", "record": record}
        return self.call("com.atproto.repo.createRecord", wish, account.token)

    def like(self, account: Account, uri: str, cid: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record = {"$type": "app.bsky.feed.like", "subject": {"uri": uri, "cid": cid}, "createdAt": now}
        wish = {"repo": account.did, "collection": "app.bsky.feed.like", "record": record}
        self.call("com.atproto.repo.createRecord", wish, account.token)

    def posts_of(self, did: str) -> list[dict[str, Any]]:
        """Every post in the repository, newest first, straight from the server that holds it."""
        query = f"com.atproto.repo.listRecords?repo={did}&collection=app.bsky.feed.post&limit=100"
        return self.call(query)["records"]

    def public_thread(self, uri: str) -> dict[str, Any] | None:
        """The thread as the public API shows it to anybody, None if it does not know the post (yet)."""
        try:
            return self.call(f"app.bsky.feed.getPostThread?uri={uri}", at=self.appview)["thread"]
        except urllib.error.HTTPError as error:
            if error.code == 400:
                return None
            raise

    def call(self, method: str, body: dict[str, Any] | None = None, token: str = "", at: str = "") -> dict[str, Any]:
        """One XRPC call: a query without a body, a procedure with one."""
        request = urllib.request.Request(f"{at or self.pds}/xrpc/{method}", json.dumps(body).encode() if body else None)
        request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"{}")


def running_network(own: OwnServers) -> AtprotoNetwork:
    """The run's network, started if nobody has yet. Raises NotInstalled with the line that mends it."""
    with (own.home / "atproto.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = own.home / "atproto.json"
        if not told.exists():
            installed()
            own.execute(f"CREATE DATABASE {DATABASE}")
            _start_keeper(own, told)
        value = json.loads(told.read_text())
    return AtprotoNetwork(value["pds"], value["appview"], value["pid"])


def _start_keeper(own: OwnServers, told: Path) -> None:
    log = own.home / "atproto-keeper.log"
    with log.open("ab") as words:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.atproto.network", str(own.home)],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            cwd=CHECKOUT,
            env={
                **os.environ,
                "DB_POSTGRES_URL": own.tcp_database_url(DATABASE),
                "REDIS_HOST": f"127.0.0.1:{own.redis_port}",
            },
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while not told.exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The AT Protocol network did not start. It said:\n{log.read_text()[-3000:]}")
        time.sleep(0.1)


def _keep(home: Path) -> int:
    """The keeper: Node runs while the run's directory exists."""
    state = Path(tempfile.mkdtemp(prefix="socialops-atproto-"))
    modules = installed()
    env = {
        "TMPDIR": str(state),
        "ATPROTO_MODULES": str(modules),
        "DB_POSTGRES_SCHEMA": "network",
        "LOG_ENABLED": "false",
    }
    command = [str(node()), str(Path(__file__).with_name("start.js"))]
    child = Child("atproto", command, state / "log", state, {**os.environ, **env}).start()
    try:
        told = False
        while home.exists() and child.alive():
            told = told or _tell(home, child)
            time.sleep(0.2)
    finally:
        print(child.said(30), flush=True)
        child.kill()
        shutil.rmtree(state, ignore_errors=True)
    return 1


def _tell(home: Path, child: Child) -> bool:
    line = next((each for each in child.said(50).splitlines() if each.startswith('{"pds"')), "")
    if line:
        with contextlib.suppress(FileNotFoundError):  # the run may just have ended
            half = home / "atproto.json.half"
            half.write_text(line)
            half.rename(home / "atproto.json")
    return bool(line)


if __name__ == "__main__":
    sys.exit(_keep(Path(sys.argv[1])))
