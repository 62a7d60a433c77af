"""The inbox as it is used: by keyboard, by mouse and on a phone."""

import os
from pathlib import Path

import pytest
from django.conf import settings as conf

from inbox import receiving, replying, triaging
from inbox.models import Conversation, Reply
from tests.factories import channel, grant, person, signed_in
from tests.inbox.messages import said
from tests.publishing.steps import connect

pytestmark = pytest.mark.django_db(transaction=True)
PICTURES = os.environ.get("INBOX_PICTURES", "")


@pytest.fixture
def shop(db):
    """Connected on paper only: no worker runs here."""
    made = channel("sandbox", handle="acme", name="Acme")
    connect(made)
    for name in ("alice", "bob"):
        grant(made, person(name), "responder")
    return made


@pytest.fixture
def busy(shop, alice, bob):
    """Three customers wait; one of them was answered before, and one hostile message came in."""
    receiving.ingest(shop, [
        said("p1", "Paul: at 2:14 the subtitle says 3 %, the voice says 2 %", minute=1, author="paul"),
        said("m1", "Hi, I paid 84.90 € and it shows twice in my bank app. Can someone look?", minute=2),
        said("m2", "Again no answer?? My card was charged TWICE, see https://bank.test/a?b=1", minute=30),
        said("m2", "Again no answer?? My card was charged TWICE. See https://bank.test/a?b=1", version=1, minute=30),
        said("old", "Where is my card?", minute=0, thread_id="older"),
        said("h1", "<script>document.title='gone'</script><img src=x onerror=\"document.title='gone'\">", minute=3,
             author="mallory"),
    ], "poll")  # fmt: skip
    marie = Conversation.objects.get(thread_id="post-1:marie")
    triaging.assign(marie, alice, bob, "knows payments")
    return marie


@pytest.fixture
def desk(page, web, alice):
    client = signed_in(alice)
    page.context.add_cookies([{"name": conf.SESSION_COOKIE_NAME, "value": client.session.session_key, "url": web.url}])
    page.goto(f"{web.url}/inbox/")
    return page


def picture(page, name):
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


def test_by_keyboard_to_a_customer_and_back(busy, desk):
    problems = []
    desk.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    picture(desk, "list")
    desk.keyboard.press("j")
    desk.keyboard.press("Enter")
    desk.wait_for_selector("#log")
    assert f"/inbox/{busy.pk}/" in desk.url
    assert desk.locator(".conv[aria-current]").count() == 1
    assert desk.title() != "gone"
    desk.keyboard.press("r")
    desk.keyboard.type("You are right, and we are sorry.")
    picture(desk, "conversation")
    desk.click("text=Reply")
    desk.wait_for_selector("text=Leaves in a moment")
    picture(desk, "reply")
    desk.click("text=Undo")
    desk.wait_for_selector("text=Leaves in a moment", state="detached")
    assert Reply.objects.get().state == "cancelled"

    desk.keyboard.press("e")
    desk.wait_for_selector("text=Reopen")
    busy.refresh_from_db()
    assert busy.state == "resolved"
    assert PICTURES or problems == []  # taking a picture puts a style into the page


def test_what_arrives_meanwhile_appears_and_what_is_typed_stays(busy, desk, web, shop):
    desk.goto(f"{web.url}/inbox/{busy.pk}/")
    desk.fill("#id_text", "half a sentence")
    receiving.ingest(shop, [said("m3", "Are you there?", minute=50)], "webhook")
    desk.wait_for_selector("#log >> text=Are you there?", timeout=10_000)

    desk.wait_for_selector("#conversations >> text=Are you there?", timeout=10_000)
    assert desk.input_value("#id_text") == "half a sentence"


def test_on_a_phone_the_list_then_the_conversation(busy, desk, alice):
    replying.reply(busy, "We are looking into it.", alice)
    desk.set_viewport_size({"width": 360, "height": 740})
    picture(desk, "phone-list")
    assert not desk.locator(".thread").first.is_visible()
    desk.click(f'.conv[href*="/inbox/{busy.pk}/"]')
    desk.wait_for_selector("#log")
    assert desk.locator(".list").first.is_hidden()
    picture(desk, "phone-conversation")
    assert desk.evaluate("document.documentElement.scrollWidth") <= 360
    desk.click('[aria-label="Back to the list"]')
    desk.wait_for_selector(".conv")


def test_without_a_script_everything_is_there(busy, browser, web, alice):
    client = signed_in(alice)
    with browser.new_context(java_script_enabled=False) as context:
        context.add_cookies([{"name": conf.SESSION_COOKIE_NAME, "value": client.session.session_key, "url": web.url}])
        page = context.new_page()
        page.goto(f"{web.url}/inbox/{busy.pk}/")
        page.fill("#id_text", "Answered without a script.")
        page.click("text=Reply")
        page.wait_for_selector("text=Leaves in a moment")
        page.click("button:has-text('Resolve')")
        page.wait_for_selector("text=Reopen")


def test_a_tab_that_nobody_looks_at_asks_for_nothing_and_catches_up_at_once(busy, desk, web, shop):
    """Chromium hides no tab without a window manager, so the page is told that it is hidden."""
    hide = "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true}); \
        document.dispatchEvent(new Event('visibilitychange')) }"
    desk.goto(f"{web.url}/inbox/{busy.pk}/")
    asked = []
    desk.on("request", lambda request: asked.append(request.url) if "stamp=" in request.url else None)
    desk.wait_for_timeout(3500)
    assert len(asked) >= 2, "the conversation each 1.5 s, the list each 2.5 s"

    desk.evaluate(hide, True)
    asked.clear()
    receiving.ingest(shop, [said("m3", "Are you there?", minute=50)], "webhook")
    desk.wait_for_timeout(3500)
    assert asked == []

    desk.evaluate(hide, False)
    desk.wait_for_selector("#log >> text=Are you there?", timeout=1_400)
