"""Bluesky against a real AT Protocol network: the other side for the conformance suite, and what is special about
it.
"""

import itertools
import json
import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import aiohttp
import pytest

from channels_registry.connector.errors import Disconnected, OutcomeUnknown, Refused
from channels_registry.connector.types import Draft, Published, Unsure
from channels_registry.networks import network
from channels_registry.networks.bluesky import TID_LETTERS
from tests.atproto.network import AtprotoNetwork
from tests.networks import peers
from tests.networks.peers import Answers

names = (f"shop{number}" for number in itertools.count(1))


class Peer(peers.Peer):
    slug = "bluesky"
    creating = "/xrpc/com.atproto.repo.putRecord"
    posting, uploading = creating, "/xrpc/com.atproto.repo.uploadBlob"
    address_field = "service"

    def start(self, request) -> str:
        self.atproto: AtprotoNetwork = request.getfixturevalue("atproto")
        self.accounts = {}
        self.customers = {}
        return self.atproto.pds

    async def account(self) -> Answers:
        account = self.atproto.make_account(next(names))
        self.accounts[account.did] = account
        secret = self.atproto.app_password(account, "Socialops")
        fields = {"service": self.proxy.url, "handle": account.handle, "app_password_name": "Socialops"}
        return Answers(fields, {"app_password": secret})

    def wrong(self, answers):
        return Answers(answers.fields, {"app_password": "abcd-efgh-ijkl-mnop"})

    async def end(self, access):
        door = next(each for each in await self.network.list_doors(access) if each.ours)
        await self.network.revoke_door(access, door)
        return peers.with_secrets(access, access_jwt="run.out.token")

    async def standing(self, access):
        return [each["value"]["text"] for each in self.atproto.posts_of(access.remote_id)]

    async def above(self, access, published):
        there = {each["uri"]: each["value"] for each in self.atproto.posts_of(access.remote_id)}
        return there[published.remote_id]["reply"]["parent"]["uri"]

    async def pictures(self, access):
        newest = self.atproto.posts_of(access.remote_id)[0]
        shown = self.atproto.public_thread(newest["uri"])
        images = shown["post"].get("embed", {}).get("images", []) if shown else []
        for each, image in zip(newest["value"]["embed"]["images"], images, strict=False):
            query = f"com.atproto.sync.getBlob?did={access.remote_id}&cid={each['image']['ref']['$link']}"
            async with aiohttp.request("GET", f"{self.upstream}/xrpc/{query}") as answer:
                assert (await answer.read()).startswith(b"\xff\xd8\xff")
            assert image["aspectRatio"] == {"width": 320, "height": 240}
        return [[image["alt"] for image in images]] if images else []

    async def card(self, access):
        newest = self.atproto.posts_of(access.remote_id)[0]
        shown = self.atproto.public_thread(newest["uri"])
        seen = shown["post"].get("embed", {}).get("external") if shown else None
        if thumb := newest["value"]["embed"]["external"].get("thumb"):
            query = f"com.atproto.sync.getBlob?did={access.remote_id}&cid={thumb['ref']['$link']}"
            async with aiohttp.request("GET", f"{self.upstream}/xrpc/{query}") as answer:
                assert (await answer.read()).startswith(b"\xff\xd8\xff")
            assert seen is None or seen["thumb"]
        return (seen["uri"], seen["title"], seen["description"]) if seen else None

    async def customer_writes(self, access, text, about):
        customer = self.customers.setdefault(access.remote_id, self.atproto.make_account("erin"))
        if about is None:
            self.atproto.write(customer, f"@{access.handle} {text}", mention=access.remote_id)
        else:
            post = {"uri": about.remote_id, "cid": about.evidence["cid"]}
            self.atproto.write(customer, text, reply={"root": post, "parent": post})

    async def customer_reads(self, access, about):
        thread = self.atproto.public_thread(about.remote_id)
        return [
            answer["post"]["record"]["text"]
            for comment in (thread or {}).get("replies", [])
            for answer in comment.get("replies", [])
            if answer["post"]["author"]["did"] == access.remote_id
        ]

    async def somebody_likes(self, access, post):
        self.atproto.like(self.atproto.make_account("fan"), post.remote_id, post.evidence["cid"])

    async def erase(self, access, post):
        repo, key = access.remote_id, post.remote_id.rsplit("/", 1)[-1]
        wish = {"repo": repo, "collection": "app.bsky.feed.post", "rkey": key}
        self.atproto.call("com.atproto.repo.deleteRecord", wish, self.accounts[repo].token)

    async def open_door(self, access, name):
        account = self.accounts[access.remote_id]
        secret = self.atproto.app_password(account, name)

        async def lets_in() -> bool:
            return self.atproto.can_log_in(account.handle, secret)

        return lets_in


bluesky = network("bluesky")
only_bluesky = pytest.mark.parametrize("slug", ["bluesky"])
KEY = "0b7f4f0e-5a5e-4a38-9df0-3f6f6c1f5a11"


def draft(text: str, **details) -> Draft:
    return Draft(text, at=datetime.now(UTC), **details)


def test_a_record_key_is_a_valid_tid_in_the_past_and_never_changes():
    keys = {bluesky.marker(str(uuid.UUID(int=number))) for number in range(1000)}
    assert len(keys) == 1000
    assert all(re.fullmatch("[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}", key) for key in keys)
    microseconds = {sum(TID_LETTERS.index(c) << (60 - 5 * at) for at, c in enumerate(key)) >> 10 for key in keys}
    assert all(datetime(2023, 1, 1, tzinfo=UTC).timestamp() * 1e6 <= each < 1_743e12 for each in microseconds)
    assert bluesky.marker(KEY) == "3k67wne6phygu"


@only_bluesky
async def test_a_record_says_when_it_was_due_and_in_which_language(peer, access):
    due = datetime(2026, 3, 29, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    await bluesky.advance(access, Draft("Guten Morgen", language="de", at=due), bluesky.marker(KEY), {})
    record = peer.atproto.posts_of(access.remote_id)[0]["value"]
    assert (record["createdAt"], record["langs"]) == ("2026-03-28T23:30:00.000Z", ["de"])


@only_bluesky
async def test_links_tags_and_mentions_are_marked_by_bytes(peer, access):
    text = f"Grüße 👋🏽 an @{access.handle}: https://example.org/ä?b=1. #Brötchen #2026"
    await bluesky.advance(access, draft(text), bluesky.marker(KEY), {})
    record = peer.atproto.posts_of(access.remote_id)[0]["value"]
    raw = record["text"].encode()
    marked = {
        raw[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode(): facet["features"][0]
        for facet in record["facets"]
    }
    assert {text: feature["$type"].split("#")[1] for text, feature in marked.items()} == {
        f"@{access.handle}": "mention",
        "https://example.org/ä?b=1": "link",
        "#Brötchen": "tag",
    }
    assert marked[f"@{access.handle}"]["did"] == access.remote_id


@only_bluesky
async def test_a_mention_of_nobody_stays_plain_text(peer, access):
    await bluesky.advance(access, draft("Ask @nobody-at-all.test"), bluesky.marker(KEY), {})
    assert "facets" not in peer.atproto.posts_of(access.remote_id)[0]["value"]


@only_bluesky
async def test_sending_again_after_a_lost_answer_makes_no_second_record(peer, access):
    what = draft("Once only")
    peer.lose_answer()
    with pytest.raises(OutcomeUnknown):
        await bluesky.advance(access, what, bluesky.marker(KEY), {})
    again = await bluesky.advance(access, what, bluesky.marker(KEY), {})
    found = await bluesky.find_published(access, what, bluesky.marker(KEY), {})
    assert found == again
    assert await peer.standing(access) == ["Once only"]


@only_bluesky
async def test_a_changed_text_under_a_used_key_changes_nothing_and_asks_for_a_person(peer, access):
    await bluesky.advance(access, draft("As approved"), bluesky.marker(KEY), {})
    with pytest.raises(OutcomeUnknown):
        await bluesky.advance(access, draft("As edited later"), bluesky.marker(KEY), {})
    found = await bluesky.find_published(access, draft("As edited later"), bluesky.marker(KEY), {})
    assert isinstance(found, Unsure)
    assert await peer.standing(access) == ["As approved"]


@only_bluesky
async def test_few_graphemes_can_be_too_many_bytes(peer, access):
    with pytest.raises(Refused, match="over the limit") as caught:
        await bluesky.advance(access, draft("👩‍👩‍👧‍👦" * 130), bluesky.marker(KEY), {})
    assert "3000 are allowed" in caught.value.reason


@only_bluesky
async def test_an_access_token_that_ran_out_is_renewed(peer, access):
    stale = peers.with_secrets(access, access_jwt="run.out.token")
    with pytest.raises(Disconnected):
        await bluesky.advance(stale, draft("Hello"), bluesky.marker(KEY), {})
    connected = await bluesky.refresh(stale)
    assert connected.expires_at > datetime.now(UTC)
    await bluesky.advance(replace(stale, secrets=connected.secrets), draft("Hello"), bluesky.marker(KEY), {})
    assert await peer.standing(access) == ["Hello"]


@only_bluesky
async def test_a_refresh_token_that_ran_out_is_replaced_by_a_login(peer, access):
    connected = await bluesky.refresh(peers.with_secrets(access, access_jwt="x.y.z", refresh_jwt="run.out.token"))
    assert connected.secrets["refresh_jwt"] != "run.out.token"
    assert connected.secrets["app_password"] == access.secrets["app_password"]


@only_bluesky
async def test_a_look_needs_no_token(peer, access):
    what = draft("Found without a key to the house")
    await bluesky.advance(access, what, bluesky.marker(KEY), {})
    ended = await peer.end(access)
    assert isinstance(await bluesky.find_published(ended, what, bluesky.marker(KEY), {}), Published)


@only_bluesky
async def test_the_main_password_is_not_taken(peer):
    answers = await peer.account()
    main = next(iter(peer.accounts.values())).password
    with pytest.raises(Refused) as caught:
        await bluesky.connect(answers.fields, {"app_password": main}, peer.http)
    assert "main password" in caught.value.reason


@only_bluesky
async def test_our_app_password_must_be_named_as_the_network_lists_it(peer):
    answers = await peer.account()
    fields = {**answers.fields, "app_password_name": "Something else"}
    with pytest.raises(Refused) as caught:
        await bluesky.connect(fields, answers.secrets, peer.http)
    assert "'Something else'" in caught.value.reason


@only_bluesky
async def test_what_a_revoked_app_password_leaves_open_is_said(peer, access):
    await peer.open_door(access, "dana")
    door = next(each for each in await bluesky.list_doors(access) if each.label == "dana")
    await bluesky.revoke_door(access, door)
    probe = await bluesky.probe(access, door)
    assert (probe.shut, "2 hours" in probe.residual) == (None, True)
    assert timedelta(minutes=119) < probe.until - datetime.now(UTC) <= timedelta(hours=2)


@only_bluesky
async def test_a_customer_whose_clock_is_slow_is_heard_all_the_same(peer, access):
    await peer.customer_writes(access, "I am on time.", None)
    page = await peers.eventually(lambda: fetched(access, ""))
    customer = peer.customers[access.remote_id]
    peer.atproto.write(customer, f"@{access.handle} I am late.", mention=access.remote_id, age=timedelta(minutes=40))
    late = await peers.eventually(lambda: fetched(access, page.cursor))
    assert [message.text for message in late.messages] == [f"@{access.handle} I am late."]


@only_bluesky
async def test_a_page_that_has_run_out_begins_the_walk_anew(peer, access):
    await peer.customer_writes(access, "Still there.", None)
    await peers.eventually(lambda: fetched(access, ""))
    peer.proxy.plan("error", path="listNotifications", status=400)
    stale = await bluesky.fetch(access, "mentions", json.dumps({"walk": "2020-01-01T00:00:00Z"}))
    assert (stale.messages, stale.more) == ((), True)
    page = await bluesky.fetch(access, "mentions", stale.cursor)
    assert "Still there." in page.messages[0].text


async def fetched(access, cursor):
    page = await bluesky.fetch(access, "mentions", cursor)
    return page if page.messages else None
