"""A first-time approver with a phone: from the link in the mail to a decision, by thumb."""

import pytest

from accounts.models import Notification
from publishing import commenting
from tests import factories
from tests.publishing.steps import ask, connect, staffed, write
from tests.test_pages import violations

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "reduced_motion": "reduce"}


@pytest.fixture
def asked(fresh_database):
    acme = staffed(factories.channel("sandbox", name="Acme"))
    connect(acme)
    alice, bob = factories.person("alice"), factories.person("bob")
    factories.user(bob, factories.PASSWORD)
    post = write(alice, [acme], why_now="The letter to customers goes out at nine.")
    commenting.open_thread(post, alice, "Is the date the right one?", quote="1 December")
    return ask(post, alice, bob)


@pytest.fixture
def page(asked, web, browser):
    """Bob's phone: he has followed the link that he was sent, and signed in."""
    phone = browser.new_context(base_url=web.url, **PHONE)
    page = phone.new_page()
    page.goto(Notification.objects.get(person=factories.person("bob"), kind="approval.asked").url)
    page.get_by_label("E-mail").fill("bob@example.test")
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).tap()
    page.get_by_role("heading", name="Are the facts right?").wait_for()
    yield page
    phone.close()


def state(approval) -> str:
    approval.refresh_from_db()
    return approval.state


def in_sight(page, button) -> bool:
    box = button.bounding_box()
    return box["y"] >= 0 and box["y"] + box["height"] <= page.viewport_size["height"]


def test_bob_reads_and_approves_without_looking_for_the_button(asked, page):
    approve = page.get_by_role("button", name="Approve")
    assert in_sight(page, approve)  # at once, and wherever the page is scrolled to
    lines = page.locator("#brief > .pad > .brief > li")
    assert lines.count() == 3
    assert "0.20 €" in lines.nth(0).inner_text()
    page.get_by_text("The letter to customers goes out at nine.").scroll_into_view_if_needed()
    assert in_sight(page, approve)
    page.get_by_text("Answer", exact=True).tap()
    page.get_by_label("Answer, for people here").fill("It is.")
    page.get_by_role("button", name="Answer internally").tap()
    page.locator(".said", has_text="It is.").wait_for()
    assert in_sight(page, approve)
    approve.tap()
    page.get_by_text("Nothing waits for you").wait_for()
    assert state(asked) == "approved"


def test_bob_asks_for_a_change_and_is_told_that_a_note_is_needed(asked, page):
    page.get_by_text("Change or reject", exact=True).tap()
    note, button = page.get_by_label("Note to the author"), page.get_by_role("button", name="Ask for a change")
    assert in_sight(page, note) and in_sight(page, button), "the note stands beside the button"
    button.tap()
    page.locator("#decision [aria-invalid=true]").wait_for()
    assert state(asked) == "pending"
    assert in_sight(page, note) and in_sight(page, button)
    note.fill("It is 0.25 € from December.")
    page.get_by_role("button", name="Ask for a change").tap()
    page.get_by_text("Nothing waits for you").wait_for()
    assert state(asked) == "changes_requested"
    assert asked.decisions.get().note == "It is 0.25 € from December."


def test_the_page_fits_a_narrow_phone_and_everybody_can_use_it(asked, page):
    page.get_by_text("The rest:").tap()
    page.get_by_text("The length fits every channel.").wait_for()
    assert violations(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert in_sight(page, page.get_by_role("button", name="Approve"))
