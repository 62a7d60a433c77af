"""The four journeys, walked through the pages with real servers, on a real AT Protocol network.

1. A post is drafted, approved by somebody else, published once, and read back from the network by another account.
2. That account answers there; it is in the inbox within ten seconds and is answered.
3. Somebody leaves; every door of theirs is shut and proven shut, and nothing goes out in their name.
4. An auditor exports who could reach what, now and before.
"""

import hashlib
import io
import json
import re
import time
import zipfile
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from tests.journeys.company import CHANNEL, PASSWORD, PATIENCE, Company, reload_until
from tests.processes import wait_until

NEWS = "Our branch in Tooley Street is open again from Monday, 9:00."
QUESTION = "Is the cash machine working too?"
ANSWER = "It is, day and night."
LAST_WORDS = "One more thing from me."


def test_a_post_goes_out_once_and_its_customer_is_answered(company: Company, remote, atproto):
    for name in ("alice", "bob"):
        company.invite(name)
    company.register(atproto.pds, remote.bank, remote.ours)
    company.grant(alice="author publisher responder", bob="approver")
    company.bob_takes_his_phone()

    alice = company["alice"]
    alice.goto(company.write(NEWS))
    alice.get_by_role("link", name="Schedule").click()
    alice.get_by_role("button", name="Publish now").click()
    expect(alice.get_by_role("heading", name="Where and when")).to_be_visible()
    expect(alice.locator("td").get_by_text("Published", exact=True)).to_be_visible()  # the page goes on by itself
    expect(alice.locator(".head").get_by_text("Published", exact=True)).to_be_visible()
    uri = the_only_post(atproto, remote, NEWS)

    asked_at = time.monotonic()
    post = {key: as_seen_by_the_customer(atproto, remote, uri)["post"][key] for key in ("uri", "cid")}
    asked = atproto.write(remote.customer, QUESTION, reply={"root": post, "parent": post})
    asked_at = time.monotonic()
    alice.goto("/inbox/")
    reload_until(alice, alice.locator("#conversations").get_by_text(QUESTION).count, "the customer in the inbox")
    seconds = time.monotonic() - asked_at
    print(f"\nIn the inbox {seconds:.1f} s after it was written on the network.")

    alice.locator("#conversations").get_by_text(QUESTION).click()
    alice.get_by_label("Your answer to").fill(ANSWER)
    alice.get_by_role("button", name="Reply", exact=True).click()
    expect(alice.locator("#log").get_by_text(ANSWER)).to_be_visible()
    wait_until(lambda: answers(atproto, remote, asked["uri"]), "the answer on the network", seconds=PATIENCE)
    assert answers(atproto, remote, asked["uri"]) == [ANSWER]
    assert seconds <= 10
    the_only_post(atproto, remote, NEWS)


def test_a_leaver_is_shut_out_and_an_auditor_can_prove_it(company: Company, remote, atproto):
    for name in ("alice", "bob", "dana"):
        company.invite(name)
    company.invite("frank", "auditor")
    company.register(atproto.pds, remote.bank, remote.ours)
    company.grant(alice="author publisher", bob="approver", dana="publisher")
    company.bob_takes_his_phone()
    post = company.write(LAST_WORDS)
    erin, dana, frank = company["erin"], company["dana"], company["frank"]
    erin.goto(company.channel)
    reload_until(erin, erin.locator("#doors").get_by_text("named after them").count, "dana's app password to be seen")
    assert atproto.can_log_in(remote.bank.handle, remote.danas)
    before = datetime.now(UTC)

    open_departure(erin, "Dana")
    due = schedule(dana, post, seconds_ahead=30)
    erin.get_by_role("button", name="Record the departure").click()
    expect(erin.get_by_text("departure is recorded")).to_be_visible()
    assert datetime.now(UTC) < due, "this machine is too busy: the post was due before its author could leave"

    dana.goto("/posts/")
    expect(dana).to_have_url(re.compile("/account/login/"))
    refused_at_the_gate(dana)

    erin.goto("/offboarding/")
    reload_until(erin, erin.get_by_role("link", name="Dana").count, "the case of dana")
    erin.get_by_role("link", name="Dana").click()
    reload_until(erin, erin.get_by_text(re.compile(r"^2 of 2$")).count, "both doors to be proven shut")
    row = erin.locator("tr", has_text="App password: Dana")
    expect(row).to_contain_text("Network read again")
    assert not atproto.can_log_in(remote.bank.handle, remote.danas)
    assert atproto.can_log_in(remote.bank.handle, remote.ours), "our own door was not theirs"
    erin.get_by_role("button", name="Close case").click()
    expect(erin.get_by_text("Closed by Erin")).to_be_visible()

    company["alice"].goto(post)
    company["alice"].locator("tr", has_text=CHANNEL).get_by_role("link", name="Open").click()
    words = "The person who answers for it has left"
    reload_until(company["alice"], company["alice"].get_by_text(words).count, "dana's post to be stopped")
    wait_until(lambda: datetime.now(UTC) > due + timedelta(seconds=4), "its time to pass", seconds=PATIENCE)
    company["alice"].reload()
    expect(company["alice"].locator(".head")).to_contain_text("Blocked")
    assert atproto.posts_of(remote.bank.did) == []

    assert danas_doors(export(frank)) == []
    held = danas_doors(export(frank, before))
    assert [(door["door"], door["level"]) for door in held] == [
        ("App password", "standard"),
        ("Right in Socialops", "publisher"),
    ]
    assert all(door["revoked_at"] for door in held)


def test_a_leaver_is_out_at_the_minute_without_worker_and_beat(company: Company):
    company.invite("dana")
    erin, dana = company["erin"], company["dana"]
    company.stop()
    open_departure(erin, "Dana")
    minute = (datetime.now(UTC) + timedelta(seconds=70)).replace(second=0, microsecond=0)
    erin.get_by_label("Last day").fill(f"{minute:%Y-%m-%d}")
    erin.get_by_label("Time", exact=True).fill(f"{minute:%H:%M}")
    erin.get_by_role("button", name="Record the departure").click()
    expect(erin.get_by_text("departure is recorded")).to_be_visible()

    let_in = None
    deadline = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < deadline:
        asked = datetime.now(UTC)
        dana.goto("/posts/")
        if "/account/login/" in dana.url:
            break
        let_in = asked
        dana.wait_for_timeout(1000)
    assert "/account/login/" in dana.url
    assert datetime.now(UTC) >= minute, "she was out before her minute"
    assert let_in, "this machine is too busy: her minute had come before she could ask"
    assert let_in < minute, "she was let in after her minute"
    refused_at_the_gate(dana)


# --- On the network ---------------------------------------------------------------------------------------------------


def the_only_post(atproto, remote, text: str) -> str:
    """The address of the one post that is no answer; fails if it is another, or stands there twice."""
    own = [each for each in atproto.posts_of(remote.bank.did) if "reply" not in each["value"]]
    assert [each["value"]["text"] for each in own] == [text]
    return own[0]["uri"]


def as_seen_by_the_customer(atproto, remote, uri: str) -> dict:
    """The thread as the public API shows it to the other account."""
    thread = wait_until(lambda: atproto.public_thread(uri), "the public API to know the post", seconds=PATIENCE)
    assert thread["post"]["record"]["text"] == NEWS
    assert thread["post"]["author"]["did"] == remote.bank.did != remote.customer.did
    return thread


def answers(atproto, remote, uri: str) -> list[str]:
    thread = atproto.public_thread(uri) or {}
    said = [each["post"] for each in thread.get("replies", [])]
    return [each["record"]["text"] for each in said if each["author"]["did"] == remote.bank.did]


# --- On the pages -----------------------------------------------------------------------------------------------------


def schedule(page: Page, post: str, seconds_ahead: int) -> datetime:
    """The moment at which the post is due, for which whoever uses this page answers."""
    page.goto(post)
    page.get_by_role("link", name="Schedule").click()
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds_ahead)
    page.get_by_label("Date and time").fill(f"{due:%Y-%m-%dT%H:%M:%S}")
    page.get_by_role("button", name="Schedule", exact=True).click()
    expect(page.get_by_role("heading", name="Where and when")).to_be_visible()
    return due


def open_departure(page: Page, name: str) -> None:
    page.goto("/people/")
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("link", name="Record a departure").click()
    expect(page.get_by_role("heading", name=f"{name} leaves")).to_be_visible()


def refused_at_the_gate(page: Page) -> None:
    """dana tries her password again."""
    page.goto("/account/login/")
    page.get_by_label("E-mail").fill("dana@example.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("Not signed in")).to_be_visible()
    page.goto("/")
    expect(page).to_have_url(re.compile("/account/login/"))


def export(page: Page, at: datetime | None = None) -> dict[str, bytes]:
    """The files of an export of access, each with the digest that the manifest and the page say."""
    page.goto("/evidence/")
    if at:
        page.get_by_label("At which moment").fill(f"{at:%Y-%m-%dT%H:%M:%S}")
    page.get_by_role("button", name="Make the pack").click()
    ready = page.get_by_role("link", name="Download the pack")
    expect(ready).to_be_visible(timeout=PATIENCE * 1000)  # a worker makes it, and the page goes on by itself
    with page.expect_download(timeout=PATIENCE * 1000) as download:
        ready.click()
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    expect(page.locator("tr", has_text="manifest.json")).to_contain_text(digests.pop("manifest.json"))
    manifest = json.loads(files["manifest.json"])
    assert digests.pop("manifest.sig")
    assert {name: told["sha256"] for name, told in manifest["files"].items()} == digests
    return files


def danas_doors(files: dict[str, bytes]) -> list[dict]:
    doors = [door for door in json.loads(files["access.json"]) if door["person"] == "Dana"]
    return sorted(doors, key=lambda door: door["door"])
