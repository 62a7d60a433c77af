"""The real network starts, and behaves where our design leans on it."""

from pathlib import Path

import pytest

from tests.atproto.installing import NotInstalled, installed
from tests.networks.peers import eventually


async def test_what_one_account_writes_another_reads_from_the_public_api(atproto):
    alice = atproto.make_account("alice")
    post = atproto.write(alice, "Good morning")

    async def public():
        return atproto.public_thread(post["uri"])

    thread = await eventually(public)
    assert thread["post"]["record"]["text"] == "Good morning"


def test_it_listens_on_loopback_only(atproto):
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ports = {int(url.rsplit(":", 1)[1]) for url in (atproto.pds, atproto.appview)}
    found = {int(line[1].split(":")[1], 16): line[1].split(":")[0] for line in listening if line[3] == "0A"}
    assert {found[port] for port in ports} == {"0100007F"}


def test_packages_that_cannot_be_had_fail_with_the_line_that_mends_it(tmp_path, monkeypatch):
    monkeypatch.setenv("SOCIALOPS_TEST_CACHE", str(tmp_path))
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    with pytest.raises(NotInstalled, match="Mend it with: npm config set registry"):
        installed()
    assert [path.name for path in tmp_path.glob("atproto-*[!f]") if path.is_dir()] == []


def test_the_lock_file_names_no_registry():
    lock = (Path(__file__).parent / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') > 600
