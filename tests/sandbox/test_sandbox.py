"""The sandbox network itself: what it keeps, what it shows, and that each planned fault really strikes."""

import asyncio
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from urllib.parse import urlencode

import aiohttp
import pytest

from channels_registry.connector.errors import Disconnected, OutcomeUnknown, Refused, TryLater
from channels_registry.connector.types import Draft, Published, Unsure
from tests.sandbox.shop import SIGN, connected, get, it


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
