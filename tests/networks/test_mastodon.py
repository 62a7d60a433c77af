"""Mastodon against mastodon-mock, which is a fake of its API: the other side for the conformance suite, and the
rest.
"""

import itertools
import json
from datetime import UTC, datetime, timedelta
from urllib.request import Request, urlopen

import pytest

from channels_registry.connector.capabilities import Converses, Deletes, Edits, Publishes, RevokesDoors
from channels_registry.connector.errors import Refused, TryLater
from channels_registry.connector.text import too_long
from channels_registry.connector.types import Draft, Published, RemoteDoor, Unsure
from channels_registry.networks import network
from tests.networks import peers
from tests.networks.peers import Answers

names = (f"shop{number}" for number in itertools.count(1))


class Peer(peers.Peer):
    slug = "mastodon"
    creating = "/api/v1/statuses"
    posting, uploading = creating, "/api/v2/media"
    address_field = "instance_url"

    def start(self, request) -> str:
        self.customers = {}
        self.tokens = {}
        return request.getfixturevalue("mastodon_server")

    def call(self, method, path, token="", body=None):
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = Request(self.upstream + path, json.dumps(body).encode() if body else None, headers, method=method)
        with urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def person(self, name):
        return self.call("POST", "/api/v1/_mock/dev_user", body={"username": name})

    async def account(self) -> Answers:
        made = self.person(next(names))
        self.tokens[made["id"]] = made["access_token"]
        fields = {"instance_url": self.proxy.url, "client_key": "key"}
        return Answers(fields, {"access_token": made["access_token"], "client_secret": "secret"})

    def wrong(self, answers):
        return Answers(answers.fields, {**answers.secrets, "access_token": "wrong"})

    async def end(self, access):
        await self.network.revoke_door(access, OURS)
        return access

    async def standing(self, access):
        statuses = self.call("GET", f"/api/v1/accounts/{access.remote_id}/statuses")
        return [self.words(each) for each in statuses]

    async def above(self, access, published):
        return str(self.call("GET", f"/api/v1/statuses/{published.remote_id}")["in_reply_to_id"])

    def words(self, status):
        return status["content"].removeprefix("<p>").removesuffix("</p>")

    async def pictures(self, access):
        stranger = self.person(f"stranger{next(names)}")["access_token"]
        statuses = self.call("GET", f"/api/v1/accounts/{access.remote_id}/statuses", stranger)
        return [[each["description"] for each in status["media_attachments"]] for status in statuses]

    async def customer_writes(self, access, text, about, **details):
        if access.remote_id not in self.customers:
            self.customers[access.remote_id] = self.person(f"erin{next(names)}")
        body = {"status": f"@{access.handle} {text}", "visibility": "public", **details}
        if about is not None:
            body["in_reply_to_id"] = about.remote_id
        self.call("POST", "/api/v1/statuses", self.customers[access.remote_id]["access_token"], body)

    async def somebody_likes(self, access, post):
        fan = self.person(f"fan{next(names)}")["access_token"]
        self.call("POST", f"/api/v1/statuses/{post.remote_id}/favourite", fan, {})

    async def erase(self, access, post):
        self.call("DELETE", f"/api/v1/statuses/{post.remote_id}", access.secrets["access_token"])

    async def customer_reads(self, access, about):
        below = self.call("GET", f"/api/v1/statuses/{about.remote_id}/context")["descendants"]
        ours = [self.words(each) for each in below if each["account"]["id"] == access.remote_id]
        return [text.split(" ", 1)[1] for text in ours]


OURS = RemoteDoor("own", "app", "write", label="Socialops", ours=True)
mastodon = network("mastodon")
only_mastodon = pytest.mark.parametrize("slug", ["mastodon"])


def test_a_link_counts_23_however_long():
    limits = mastodon.limits_for({"text": 30, "link": 23})
    assert too_long("See: https://example.org/" + "x" * 500, limits) == ""
    assert "31 characters" in too_long("A, b, c https://example.org/" + "x" * 500, limits)


def test_a_token_that_may_only_read_is_known_before_anybody_plans_with_it():
    lacking = mastodon.lacks({"may_revoke": True}, frozenset({"read"}))
    assert set(lacking) == {Publishes, Edits, Deletes, Converses}
    assert set(mastodon.lacks({}, frozenset({"read", "write"}))) == {RevokesDoors}
    assert mastodon.lacks({"may_revoke": True}, frozenset()) == {}  # an old server that does not tell


@only_mastodon
async def test_our_own_access_is_revoked_and_proven_shut(peer, access):
    assert (await mastodon.probe(access, OURS)).shut is False
    assert not (await mastodon.revoke_door(access, OURS)).already_gone
    assert (await mastodon.probe(access, OURS)).shut is True
    assert (await mastodon.revoke_door(access, OURS)).already_gone


@only_mastodon
async def test_the_access_of_others_is_a_task_for_a_person(peer, access):
    with pytest.raises(Refused):
        await mastodon.revoke_door(access, RemoteDoor("7", "app", "write", label="Dana's phone"))
    assert mastodon.people_page_url(access.fields, "shop").endswith("/oauth/authorized_applications")


@only_mastodon
async def test_a_direct_message_stays_between_us(peer, access):
    await peer.customer_writes(access, "My order number is 5.", None, visibility="direct")
    message = await peers.eventually(lambda: newest(access))
    assert message.kind == "direct"
    reply = await mastodon.reply(access, message.reply_to, "Thank you.", "key")
    answer = peer.call("GET", f"/api/v1/statuses/{reply.remote_id}", access.secrets["access_token"])
    assert (answer["visibility"], answer["in_reply_to_id"]) == ("direct", message.remote_id)


@only_mastodon
async def test_a_thread_stays_one_conversation(peer, access):
    post = await mastodon.advance(access, Draft("Good morning"), "key-1", {})
    await peer.customer_writes(access, "First question.", post)
    first = await peers.eventually(lambda: newest(access))
    reply = await mastodon.reply(access, first.reply_to, "First answer.", "key-2")
    await peer.customer_writes(access, "Second question.", reply)
    second = await newest(access)
    assert second.remote_id != first.remote_id
    assert second.thread_id == first.thread_id


@only_mastodon
async def test_a_storm_is_waited_out_as_long_as_the_server_asks(peer, access):
    rule = {"match": {"path": "/api/v1/statuses"}, "effect": {"type": "ratelimit"}, "count": 1}
    peer.call("POST", "/api/v1/_mock/faults", body=rule)
    with pytest.raises(TryLater) as caught:
        await mastodon.advance(access, Draft("Hello"), "key", {})
    assert caught.value.after == 300
    assert await peer.standing(access) == []


async def newest(access):
    page = await mastodon.fetch(access, "mentions", "")
    return page.messages[0] if page.messages else None


@pytest.fixture
async def lookalike(http_server):
    """A server that speaks the API, is not Mastodon, takes every post twice and answers 400 to a bad token."""
    at = datetime.now(UTC).isoformat()
    content = (
        '<p>Hi <span class="h-card"><a href="https://other.example/@dana" class="u-url mention">@<span>dana</span></a>'
        '</span>, see <a href="https://example.org/menu/today"><span class="invisible">https://</span>'
        '<span class="ellipsis">example.org/menu/to</span><span class="invisible">day</span></a><br>'
        '<a href="/tags/cake" class="hashtag">#<span>cake</span></a> &amp; tea</p>'
    )
    old = {"id": "0", "url": "https://x.example/0", "content": "old", "created_at": "2020-01-01T00:00:00Z"}
    status = {"id": "1", "url": "https://x.example/1", "content": content, "created_at": at}
    http_server.answers = {
        "/api/v2/instance": {
            "version": "2.7.2 (compatible; Pleroma 2.9)",
            "configuration": {"statuses": {"max_characters": 5000}},
        },
        "/.well-known/nodeinfo": {"links": [{"href": "https://169.254.169.254/nodeinfo/2.0"}]},
        "/nodeinfo/2.0": {"software": {"name": "pleroma"}},
        "/api/v1/accounts/verify_credentials": {
            "id": "9",
            "acct": "shop",
            "display_name": "",
            "url": "https://x.example/shop",
        },
        "/api/v1/accounts/9/statuses": [status, old],
    }
    return http_server


async def test_a_lookalike_is_not_believed_to_keep_keys(lookalike, http):
    connected = await mastodon.connect({"instance_url": lookalike.url}, {"access_token": "t"}, http)
    assert (connected.facts["software"], connected.facts["key"]) == ("pleroma", False)
    assert mastodon.limits_for(connected.facts).text == 5000


async def test_a_lookalike_that_answers_400_to_a_bad_token_is_understood(lookalike, http):
    lookalike.answers["/api/v1/accounts/verify_credentials"] = (400, {"error": "invalid_token"})
    with pytest.raises(Refused) as caught:
        await mastodon.connect({"instance_url": lookalike.url}, {"access_token": "t"}, http)
    assert "access token" in caught.value.reason


async def test_a_page_that_is_no_mastodon_server_is_named_so(lookalike, http):
    lookalike.answers["/api/v2/instance"] = (404, {})
    with pytest.raises(Refused) as caught:
        await mastodon.connect({"instance_url": lookalike.url}, {"access_token": "t"}, http)
    assert caught.value.reason == "There is no Mastodon server at this address."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hi @dana@other.example, see https://example.org/menu/today\n#cake & tea", True),
        ("Hi @dana, see https://example.org/menu/today #cake & tea", True),
        ("Hi @dana, see https://example.org/menu/tomorrow #cake & tea", False),
    ],
)
async def test_our_words_are_known_again_in_html(lookalike, http, text, found):
    fields, secrets = {"instance_url": lookalike.url}, {"access_token": "t"}
    access = peers.opened(fields, await mastodon.connect(fields, secrets, http), http)
    outcome = await mastodon.find_published(access, Draft(text, at=datetime.now(UTC)), "key", {})
    assert isinstance(outcome, Published) is found


@pytest.mark.parametrize(("ahead", "outcome"), [(0, Published), (1, Unsure), (14, Unsure), (16, type(None))])
async def test_our_words_dated_hours_before_they_were_due_prove_nothing(lookalike, http, ahead, outcome):
    """The clock that called it due may have been that much ahead: a wrong zone, or a jump."""
    fields, secrets = {"instance_url": lookalike.url}, {"access_token": "t"}
    access = peers.opened(fields, await mastodon.connect(fields, secrets, http), http)
    due = datetime.now(UTC) + timedelta(hours=ahead)
    draft = Draft("Hi @dana, see https://example.org/menu/today #cake & tea", at=due)
    assert isinstance(await mastodon.find_published(access, draft, "key", {}), outcome)


async def test_two_posts_with_our_words_need_a_person(lookalike, http):
    fields, secrets = {"instance_url": lookalike.url}, {"access_token": "t"}
    access = peers.opened(fields, await mastodon.connect(fields, secrets, http), http)
    one, old = lookalike.answers["/api/v1/accounts/9/statuses"]
    lookalike.answers["/api/v1/accounts/9/statuses"] = [one, {**one, "id": "2"}, old]
    draft = Draft("Hi @dana, see https://example.org/menu/today #cake & tea", at=datetime.now(UTC))
    assert isinstance(await mastodon.find_published(access, draft, "key", {}), Unsure)


async def test_what_is_not_for_everybody_is_no_post_of_the_channel(lookalike, http):
    fields, secrets = {"instance_url": lookalike.url}, {"access_token": "t"}
    access = peers.opened(fields, await mastodon.connect(fields, secrets, http), http)
    one, *_ = lookalike.answers["/api/v1/accounts/9/statuses"]
    kinds = {"1": "public", "2": "unlisted", "3": "private", "4": "direct"}
    lookalike.answers["/api/v1/accounts/9/statuses"] = [
        {**one, "id": each, "visibility": kind, "url": f"https://there.example/{each}", "uri": ""}
        for each, kind in kinds.items()
    ]
    page = await mastodon.list_posts(access, datetime(2000, 1, 1, tzinfo=UTC), "")
    assert [each.remote_id for each in page.posts] == ["1", "2"]
