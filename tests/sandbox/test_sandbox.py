"""The sandbox network itself: what it keeps, what it shows, and that each planned fault really strikes."""

import asyncio
import json
import socket
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web

from channels_registry.connector.errors import Disconnected, OutcomeUnknown, Refused, TryLater
from channels_registry.connector.http import Http
from channels_registry.connector.types import Draft, Published, Unsure
from channels_registry.networks import network
from socialops.local.supervising import Child
from socialops.sandbox.control import Control
from tests.networks.peers import LOOPBACK, opened
from tests.processes import wait_until
from tests.servers import CHECKOUT

it = network("sandbox")
SIGN = "This is a sandbox, not a real network."


@pytest.fixture
def sandbox(sandbox_server):
    sandbox_server.reset()
    return sandbox_server


@pytest.fixture
def shop(sandbox):
    return sandbox.account("shop", "The <Shop>")


async def connected(sandbox, shop, http):
    fields, secrets = {"base_url": sandbox.url}, {"token": shop["token"]}
    return opened(fields, await it.connect(fields, secrets, http), http)


@pytest.fixture
async def access(sandbox, shop, http):
    return await connected(sandbox, shop, http)


@pytest.fixture
async def hasty(sandbox, shop):
    """The same access with answers awaited for 0.3 s only."""
    async with Http(allow=LOOPBACK, pace=0.01) as http:
        yield await connected(sandbox, shop, http)


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


def texts(sandbox) -> list[str]:
    return [post["text"] for post in sandbox.posts()]


# Planned faults


@pytest.mark.parametrize("kind", ["hang", "reset_after", "error_after", "garbage", "slow_body"])
async def test_a_fault_after_the_commit_leaves_one_post_and_no_answer(sandbox, hasty, kind):
    sandbox.fault(kind, match={"path": "/posts", "method": "POST"}, seconds=5)
    with pytest.raises(OutcomeUnknown):
        await it.advance(hasty, Draft("Once"), "key", {})
    assert texts(sandbox) == ["Once"]
    assert [(each["created"], each["fault"]) for each in sandbox.arrivals()] == [(True, kind)]
    assert isinstance(await it.find_published(hasty, Draft("Once"), "key", {}), Published)


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("reset_before", OutcomeUnknown),
        ("error_before", OutcomeUnknown),
        ("storm", TryLater),
        ("dead_token", Disconnected),
        ("lie", OutcomeUnknown),
    ],
)
async def test_a_fault_before_the_commit_leaves_nothing(sandbox, access, kind, outcome):
    sandbox.fault(kind, match={"method": "POST"}, seconds=7)
    with pytest.raises(outcome) as caught:
        await it.advance(access, Draft("Never"), "key", {})
    assert texts(sandbox) == []
    assert not any(each["created"] for each in sandbox.arrivals())
    assert await it.find_published(access, Draft("Never"), "key", {}) is None
    if kind == "storm":
        assert caught.value.after == 7


async def test_a_late_commit_stands_there_after_the_failed_answer(sandbox, access):
    sandbox.fault("late_commit", match={"method": "POST"}, seconds=0.2)
    with pytest.raises(OutcomeUnknown):
        await it.advance(access, Draft("Late"), "key", {})
    assert await it.find_published(access, Draft("Late"), "key", {}) is None
    await asyncio.sleep(0.3)
    assert isinstance(await it.find_published(access, Draft("Late"), "key", {}), Published)


async def test_a_fault_strikes_as_often_and_as_late_as_planned(sandbox, access):
    sandbox.fault("error_before", count=2, after=1, match={"text": "planned"})
    outcomes = []
    for number in range(5):
        try:
            await it.advance(access, Draft(f"planned {number}"), f"key-{number}", {})
            outcomes.append("out")
        except OutcomeUnknown:
            outcomes.append("lost")
        await it.advance(access, Draft(f"other {number}"), f"other-{number}", {})
    assert outcomes == ["out", "lost", "lost", "out", "out"]


async def test_pages_may_come_out_of_order_and_with_repetitions(sandbox, access):
    for number in range(4):
        sandbox.say(access.remote_id, f"message {number}")
    for kind in ("out_of_order", "duplicates"):
        sandbox.fault(kind, match={"path": "/comments"})
        page = await it.fetch(access, "mentions", "")
        assert sorted(message.text for message in page.messages) == [f"message {number}" for number in range(4)]


async def test_half_a_list_of_doors_is_noticed(sandbox, access):
    sandbox.fault("half_list", match={"path": "/doors"})
    with pytest.raises(TryLater):
        await it.list_doors(access)


async def test_a_revocation_that_only_says_yes_is_found_out(sandbox, access):
    sandbox.door(access.remote_id, "role", "editor", name="Dana", handle="dana")
    door = next(each for each in await it.list_doors(access) if each.holder_handle == "dana")
    sandbox.fault("lie", match={"method": "DELETE"})
    await it.revoke_door(access, door)
    assert door.remote_id in {each.remote_id for each in await it.list_doors(access)}
    assert (await it.probe(access, door)).shut is False


def test_an_unknown_fault_is_refused(sandbox):
    with pytest.raises(urllib.error.HTTPError) as caught:
        sandbox.fault("earthquake")
    assert caught.value.code == 422


# Promises


async def test_without_a_key_ours_is_known_by_its_words_and_time(sandbox, shop, http):
    sandbox.promise(key=False)
    access = await connected(sandbox, shop, http)
    assert not it.resend_is_safe(access)
    sandbox.fault("reset_after", match={"method": "POST"})
    with pytest.raises(OutcomeUnknown):
        await it.advance(access, Draft("Good  morning"), "key", {})
    assert isinstance(await it.find_published(access, Draft("Good morning"), "key", {}), Published)
    assert await it.find_published(access, Draft("Good evening"), "key", {}) is None
    await it.advance(access, Draft("Good morning"), "key", {})
    assert isinstance(await it.find_published(access, Draft("Good morning"), "key", {}), Unsure)


@pytest.mark.parametrize("key", [True, False])
async def test_ours_is_found_below_many_others(sandbox, shop, http, key):
    sandbox.promise(key=key)
    access = await connected(sandbox, shop, http)
    at = datetime.now(UTC)
    ours = await it.advance(access, Draft("Ours", at=at), "our-key", {})
    await asyncio.gather(*(it.advance(access, Draft(f"Post {n}"), f"key-{n}", {}) for n in range(1200)))
    found = await it.find_published(access, Draft("Ours", at=at), "our-key", {})
    assert isinstance(found, Published)
    assert found.remote_id == ours.remote_id
    assert await it.find_published(access, Draft("Missing", at=at), "other-key", {}) is None


async def test_with_neither_key_nor_look_up_nothing_can_be_proven(sandbox, shop, http):
    sandbox.promise(key=False, lookup=False)
    access = await connected(sandbox, shop, http)
    await it.advance(access, Draft("Hello"), "key", {})
    assert isinstance(await it.find_published(access, Draft("Hello"), "key", {}), Unsure)


async def test_a_token_that_expires_is_renewed_and_one_that_was_killed_is_not(sandbox, shop, http):
    door = next(each for each in shop["doors"] if each["kind"] == "app")
    short = {**shop, "token": sandbox.token(door["id"], expires_in=0.2)}
    access = await connected(sandbox, short, http)
    await asyncio.sleep(0.3)
    with pytest.raises(Disconnected):
        await it.advance(access, Draft("Hello"), "key", {})
    assert (await it.refresh(access)).expires_at.timestamp() > time.time() + 3000
    await it.advance(access, Draft("Hello"), "key", {})
    sandbox.kill_token(short["token"])
    with pytest.raises(Refused):
        await it.refresh(access)


async def test_a_rate_limit_lets_a_burst_through_and_then_says_how_long(sandbox, access):
    sandbox.promise(per_second=5, burst=3)
    outcomes = await asyncio.gather(
        *(it.advance(access, Draft(f"Post {n}"), f"key-{n}", {}) for n in range(5)), return_exceptions=True
    )
    refused = [each for each in outcomes if isinstance(each, TryLater)]
    assert len(texts(sandbox)) == 3
    assert all(0 < each.after <= 0.4 for each in refused)
    await asyncio.sleep(0.3)
    assert isinstance(await it.advance(access, Draft("Now"), "key-9", {}), Published)


async def test_a_session_may_outlive_its_door_where_tokens_are_signed(sandbox, access):
    sandbox.promise(residual_seconds=60)
    door = sandbox.door(access.remote_id, "app_password", "publish", label="dana", token=True)
    remote = next(each for each in await it.list_doors(access) if each.label == "dana")
    await it.revoke_door(access, remote)
    probe = await it.probe(access, remote)
    assert (probe.shut, "1" in probe.residual) == (True, True)
    assert 50 < probe.until.timestamp() - time.time() <= 60
    assert door["token"]


async def test_the_owner_is_not_removed(sandbox, access):
    sandbox.door(access.remote_id, "role", "owner", name="Olga", handle="olga")
    door = next(each for each in await it.list_doors(access) if each.entitlement == "owner")
    with pytest.raises(Refused) as caught:
        await it.revoke_door(access, door)
    assert "Hand the account over" in caught.value.reason


async def test_one_account_does_not_reach_another(sandbox, access):
    other = sandbox.account("other")
    said = sandbox.say(other["id"], "private")
    door = other["doors"][0]
    for path in (f"comments/{said['id']}/replies", f"doors/{door['id']}"):
        method = "POST" if "replies" in path else "DELETE"
        async with aiohttp.request(
            method,
            f"{sandbox.url}/api/v1/{path}",
            json={"text": "x"},
            headers={"Authorization": f"Bearer {access.secrets['token']}"},
        ) as answer:
            body = await answer.json()
            assert answer.status == 404 or body == {"ok": True, "already_gone": True}
    assert len(await it.list_doors(await connected(sandbox, other, access.http))) == 1


# Webhooks


@pytest.fixture
async def listener():
    """Our side of the webhooks: (headers, body) of each, and `answers` to give."""
    received, answers = [], []

    async def hear(request):
        received.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        return web.Response(status=answers.pop(0) if answers else 200)

    runner = web.ServerRunner(web.Server(hear), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook", received, answers
    await runner.cleanup()


async def told(received, count):
    for _ in range(300):
        if len(received) >= count:
            return received[count - 1]
        await asyncio.sleep(0.02)
    raise AssertionError("no webhook came")


async def test_webhooks_are_signed_and_read_as_messages(sandbox, access, listener):
    url, received, _ = listener
    sandbox.webhook(access.remote_id, url, "s3cret")
    said = sandbox.say(access.remote_id, "Is it vegan?")
    headers, body = await told(received, 1)
    assert it.verify(headers, body, "s3cret")
    (message,) = it.parse(body)
    (polled,) = (await it.fetch(access, "mentions", "")).messages
    assert message == polled
    sandbox.edit(said["id"], "Is it really vegan?")
    edited = it.parse((await told(received, 2))[1])[0]
    sandbox.delete(said["id"])
    deleted = it.parse((await told(received, 3))[1])[0]
    assert [(each.version, each.deleted) for each in (message, edited, deleted)] == [(0, False), (1, False), (2, True)]


async def test_a_forged_or_old_webhook_is_not_believed(sandbox, access, listener):
    url, received, _ = listener
    sandbox.webhook(access.remote_id, url, "s3cret")
    sandbox.say(access.remote_id, "Hello")
    headers, body = await told(received, 1)
    old = {**headers, "x-sandbox-timestamp": str(int(headers["x-sandbox-timestamp"]) - 3600)}
    assert not it.verify(headers, body + b" ", "s3cret")
    assert not it.verify(headers, body, "other")
    assert not it.verify(headers, body, "")
    assert not it.verify(old, body, "s3cret")
    assert not it.verify({}, body, "s3cret")
    assert not it.verify({**headers, "x-sandbox-signature": "sha256=ü"}, body, "s3cret")


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b'{"comment": 1}', b"[" * 100_000])
def test_a_webhook_that_cannot_be_read_is_refused(body):
    with pytest.raises(Refused):
        it.parse(body)


async def test_a_webhook_is_brought_again_until_it_is_taken(sandbox, access, listener):
    url, received, answers = listener
    answers.extend([500, 503])
    sandbox.webhook(access.remote_id, url, "s3cret")
    sandbox.say(access.remote_id, "Hello")
    await told(received, 3)
    assert len({body for _, body in received}) == 1


# Pages


def test_every_page_says_that_it_is_a_sandbox_and_shows_text_as_text(sandbox, shop):
    sandbox.say(shop["id"], "<script>alert(1)</script>", name="<b>Erin</b>")
    for path in ("/", "/@shop"):
        page = get(sandbox.url + path)
        assert SIGN in page
        assert "<script" not in page
        assert "<b>Erin" not in page
    assert "&lt;script&gt;" in get(f"{sandbox.url}/@shop")
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(f"{sandbox.url}/@nobody")
    assert SIGN in caught.value.read().decode()


async def test_a_visitor_comments_in_the_browser_and_the_account_hears_it(sandbox, access):
    post = await it.advance(access, Draft("Good morning", language="en"), "key", {})
    assert post.url.startswith(sandbox.url)
    form = urlencode({"name": "Erin", "text": "Nice & warm"}).encode()
    with urllib.request.urlopen(post.url, form, timeout=5) as answer:
        page = answer.read().decode()
        assert answer.url == post.url
    assert "Nice &amp; warm" in page
    (message,) = (await it.fetch(access, "comments", "")).messages
    assert (message.text, message.author_name, message.in_reply_to) == ("Nice & warm", "Erin", post.remote_id)


async def test_an_empty_comment_is_explained(sandbox, access):
    post = await it.advance(access, Draft("Good morning"), "key", {})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(post.url, b"name=Erin&text=", timeout=5)
    assert "Write your name and a text" in caught.value.read().decode()


# The process


@pytest.fixture
def start(tmp_path):
    """Start a sandbox with these options; stopped when the test ends."""
    children = []

    def begin(*options: str) -> tuple[Child, Control]:
        log = tmp_path / f"sandbox-{len(children)}.log"
        child = Child("sandbox", [sys.executable, "-m", "socialops.sandbox", *options], log, CHECKOUT).start()
        children.append(child)
        wait_until(lambda: '"url"' in child.said(), "the sandbox to listen", child)
        return child, Control(json.loads(child.said())["url"])

    yield begin
    for child in children:
        child.stop()


def test_a_restart_keeps_everything_even_after_kill_9(start, tmp_path):
    journal = str(tmp_path / "journal")
    child, sandbox = start("--state", journal)
    shop = sandbox.account("shop", app_passwords=[{"label": "dana"}])
    said = sandbox.say(shop["id"], "First")
    sandbox.edit(said["id"], "Edited")
    child.kill()
    with open(journal, "a") as half:
        half.write('["posts", {"id": "p9')
    for _ in range(2):
        child, sandbox = start("--state", journal)
        assert [each["text"] for each in sandbox.said(shop["id"])] == ["Edited"]
        child.stop()
    child, sandbox = start("--state", journal)
    assert sandbox.say(shop["id"], "Second")["id"] not in {said["id"], shop["id"]}
    assert sandbox.figures()["accounts"] == 1


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "socialops.sandbox", "--port", str(port)]
        child = Child("sandbox", command, tmp_path / "log", CHECKOUT).start()
        assert child.process.wait(20) == 1
    place = f"127.0.0.1:{port}"
    told = f"The sandbox cannot start on {place}: Address already in use. Choose others with --host and --port."
    assert child.said().splitlines() == [told]


async def test_an_answer_comes_after_the_delay_and_the_arrival_is_noted_before(start, http):
    _, sandbox = start("--delay-ms", "100")
    access = await connected(sandbox, sandbox.account("shop"), http)
    before = time.monotonic()
    await asyncio.gather(*(it.advance(access, Draft(f"Post {n}"), f"key-{n}", {}) for n in range(50)))
    assert 0.1 <= time.monotonic() - before < 1.0
    assert all(before <= each["monotonic"] < time.monotonic() - 0.1 for each in sandbox.arrivals())


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /api/v1/posts HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"x" * 70_000,
    ],
)
def test_what_is_not_http_is_refused_and_hurts_nobody(sandbox, raw):
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 5) as talk:
        talk.sendall(raw)
        assert talk.recv(100).startswith(b"HTTP/1.1 400")
    assert SIGN in get(sandbox.url)


def test_requests_in_one_breath_are_answered_in_order(sandbox):
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 5) as talk:
        for piece in (b"GET /api/v1/server HTTP/1.1\r\n\r\nGET /api/v1/me HT", b"TP/1.1\r\nConnection: close\r\n\r\n"):
            talk.sendall(piece)
            time.sleep(0.05)
        answer = b"".join(iter(lambda: talk.recv(4096), b""))
    assert answer.index(b"200 OK") < answer.index(b"401 Unauthorized")
