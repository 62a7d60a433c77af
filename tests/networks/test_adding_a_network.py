"""Adding a network costs two files, a line and an icon: this test adds one and holds it to the conformance suite.

Nothing of the product is touched. The two files are written to a temporary directory, the line is put into the
registry by a pytest plugin, and a pytest of its own runs the suite on it.
"""

import os
import re
import subprocess
import sys

from tests.servers import CHECKOUT

NETWORK = '''
"""Paper: the smallest network there can be. It posts by a list-and-match server, here the sandbox without its key."""

from channels_registry.connector.capabilities import Network, Publishes
from channels_registry.connector.errors import Disconnected, Refused
from channels_registry.connector.looking import look, matches, moment, one_of
from channels_registry.connector.text import check
from channels_registry.connector.types import Connected, Field, Limits, Published, Rehearsed


class Paper(Network, Publishes):
    slug = "paper"
    label = "Paper"
    purpose = "Short notes."
    fields = (Field("address", "Address"), Field("token", "Token", secret=True))
    limits = Limits(400, "characters")
    asks = {"write": "Posting notes"}
    steps = ("Copy the token from its page.",)
    idempotency = "L"

    async def connect(self, fields, secrets, http):
        try:
            me = await http.request("GET", fields["address"] + "/api/v1/me", headers=bearer(secrets))
        except Disconnected as error:
            raise Refused("Paper does not know this token.", detail=error.detail) from error
        return me.read(lambda v: Connected(v["id"], v["handle"], v["name"], v["url"], dict(secrets)))

    async def refresh(self, access):
        return await self.connect(access.fields, access.secrets, access.http)

    async def rehearse(self, access):
        me = await access.http.request("GET", access.fields["address"] + "/api/v1/me", headers=bearer(access.secrets))
        return me.read(lambda v: Rehearsed(v["id"], v["handle"]))

    def marker(self, key):
        return key

    async def advance(self, access, draft, marker, handle):
        check(draft.text, self.limits)
        url, note = access.fields["address"] + "/api/v1/posts", {"text": draft.text}
        answer = await access.http.request("POST", url, headers=bearer(access.secrets), json=note, creates=True)
        return answer.read(lambda v: Published(v["id"], v["url"]))

    @look
    async def find_published(self, access, draft, marker, handle):
        url = access.fields["address"] + "/api/v1/posts"
        answer = await access.http.request("GET", url, headers=bearer(access.secrets))
        return answer.read(lambda v: one_of(Published(p["id"], p["url"]) for p in v["items"] if ours(p, draft)))


def ours(post, draft):
    return matches(draft.text, draft.at, post["text"], moment(post["created_at"]))


def bearer(secrets):
    return {"Authorization": "Bearer " + secrets["token"]}
'''
TEST = """
from tests.networks import test_sandbox
from tests.networks.peers import Answers


class Peer(test_sandbox.Peer):
    slug = "paper"
    address_field = "address"

    async def account(self):
        answers = await super().account()
        return Answers({"address": answers.fields["base_url"]}, answers.secrets)

    async def end(self, access):
        self.sandbox.kill_token(access.secrets["token"])
        return access
"""
ICON = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24"/></svg>'
THE_LINE = """
from channels_registry import networks
import tests.networks

networks._NETWORKS["paper"] = "paper:Paper"  # the line
tests.networks.__path__.append({directory!r})
"""


def test_a_network_is_added_by_two_files_a_line_and_an_icon(tmp_path):
    (tmp_path / "paper.py").write_text(NETWORK)
    (tmp_path / "test_paper.py").write_text(TEST)
    (tmp_path / "paper.svg").write_text(ICON)
    (tmp_path / "the_line.py").write_text(THE_LINE.format(directory=str(tmp_path)))
    said = run(tmp_path)
    passed = int(re.search(r"(\d+) passed", said)[1])
    assert passed >= 20, said
    assert "failed" not in said, said


def test_a_network_that_posts_twice_does_not_pass(tmp_path):
    """The control: the suite would notice."""
    careless = NETWORK.replace("creates=True", "creates=False")
    assert careless != NETWORK
    (tmp_path / "paper.py").write_text(careless)
    (tmp_path / "test_paper.py").write_text(TEST)
    (tmp_path / "the_line.py").write_text(THE_LINE.format(directory=str(tmp_path)))
    assert "test_after_a_lost_answer_a_look_finds_the_one_post" in run(tmp_path)


def run(directory) -> str:
    """The conformance suite on the new network alone, in a process of its own."""
    suite = [sys.executable, "-m", "pytest", "tests/networks/test_conformance.py", "-k", "paper", "-q"]
    plugins = ["-p", "the_line", "--confcutdir", "tests/networks"]
    env = {**os.environ, "PYTHONPATH": f"{CHECKOUT}{os.pathsep}{directory}"}
    done = subprocess.run([*suite, *plugins], cwd=CHECKOUT, env=env, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr
