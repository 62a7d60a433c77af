"""The real network starts, and behaves where our design leans on it."""

from pathlib import Path

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
