"""The sandbox network as a connector sees it: the other side for the conformance suite, and what is special about
it.
"""

import itertools
import re
from html import unescape

import aiohttp

from socialops.sandbox.control import Control
from tests.networks import peers
from tests.networks.peers import Answers, ask

handles = (f"shop{number}" for number in itertools.count(1))


class Peer(peers.Peer):
    slug = "sandbox"
    creating = "/api/v1/"
    posting, uploading = "/api/v1/posts", "/api/v1/media"
    address_field = "base_url"

    def start(self, request) -> str:
        self.sandbox: Control = request.getfixturevalue("sandbox_server")
        self.sandbox.reset()
        return self.sandbox.url

    async def account(self) -> Answers:
        made = self.sandbox.account(next(handles), "A shop")
        return Answers({"base_url": self.proxy.url}, {"token": made["token"]})

    def wrong(self, answers):
        return Answers(answers.fields, {"token": "sbx_wrong"})

    async def end(self, access):
        door = next(each for each in await self.network.list_doors(access) if each.ours)
        await self.network.revoke_door(access, door)
        return access

    async def standing(self, access):
        return [post["text"] for post in reversed(self.sandbox.posts(access.remote_id))]

    async def above(self, access, published):
        there = {post["id"]: post["in_reply_to"] for post in self.sandbox.posts(access.remote_id)}
        return there[published.remote_id]

    async def pictures(self, access):
        return [await self._seen(post["id"], access) for post in reversed(self.sandbox.posts(access.remote_id))]

    async def card(self, access):
        post = self.sandbox.posts(access.remote_id)[-1]
        await self._seen(post["id"], access)
        return post["card"]["url"], post["card"]["title"], post["card"]["description"]

    async def _seen(self, post: str, access) -> list[str]:
        async with aiohttp.ClientSession(self.upstream) as visitor:
            async with visitor.get(f"/@{access.handle}/posts/{post}") as answer:
                shown = re.findall(r'<img src="([^"]+)" alt="([^"]*)">', await answer.text())
            for source, _ in shown:
                async with visitor.get(source) as answer:
                    assert (answer.status, answer.content_type) == (200, "image/jpeg")
                    assert (await answer.read()).startswith(b"\xff\xd8\xff")
        return [unescape(alt) for _, alt in shown]

    async def customer_writes(self, access, text, about):
        self.sandbox.say(access.remote_id, text, post=about.remote_id if about else "")

    async def customer_reads(self, access, about):
        return [said["text"] for said in self.sandbox.said(access.remote_id) if said["ours"]]

    async def somebody_likes(self, access, post):
        self.sandbox.count(post.remote_id, likes=1)

    async def erase(self, access, post):
        self.sandbox.erase(post.remote_id)

    async def open_door(self, access, name):
        door = self.sandbox.door(access.remote_id, "app_password", "publish", label=name, token=True)

        async def lets_in() -> bool:
            status, _ = await ask("GET", f"{self.upstream}/api/v1/me", token=door["token"])
            return status == 200

        return lets_in
