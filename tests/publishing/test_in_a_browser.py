"""What only a browser shows: previews that follow the typing, and a decision by thumb."""

import pytest

from tests import factories
from tests.publishing.steps import TEXT, ask, sign_in, staffed, write


@pytest.fixture
def acme(fresh_database):
    return staffed(factories.channel("sandbox", name="Acme"))


def test_the_preview_counts_while_alice_types(acme, web, browser_context, page):
    sign_in(browser_context, web, factories.person("alice"))
    page.goto("/posts/new/")
    page.get_by_label("Acme").check()
    page.get_by_label("What do you want to say?").fill("é" * 501)
    page.get_by_text("501 of 500 characters").wait_for()
    page.get_by_label("What do you want to say?").fill(TEXT)
    page.get_by_text(f"{len(TEXT)} of 500 characters").wait_for()
    assert page.locator(".postcard .text").inner_text() == TEXT


def test_bob_decides_on_a_phone_in_two_taps(acme, web, browser):
    alice, bob = factories.person("alice"), factories.person("bob")
    approval = ask(write(alice, [acme]), alice, bob)
    phone = browser.new_context(base_url=web.url, viewport={"width": 390, "height": 844}, has_touch=True)
    sign_in(phone, web, bob)
    page = phone.new_page()
    page.goto("/approvals/")
    page.get_by_role("link", name="Read and decide").tap()
    approve = page.get_by_role("button", name="Approve")
    assert approve.bounding_box()["y"] + approve.bounding_box()["height"] <= 844  # in sight without scrolling
    approve.tap()
    page.get_by_text("Nothing waits for you").wait_for()
    phone.close()
    approval.refresh_from_db()
    assert approval.state == "approved"


def test_a_post_is_written_and_asked_about_without_a_script(acme, web, browser):
    plain = browser.new_context(base_url=web.url, java_script_enabled=False)
    sign_in(plain, web, factories.person("alice"))
    page = plain.new_page()
    page.goto("/posts/new/")
    page.get_by_label("What do you want to say?").fill(TEXT)
    page.get_by_label("Acme").check()
    page.get_by_role("button", name="Save and ask for approval").click()
    page.get_by_label("Who should decide?").select_option(label="Bob")
    page.get_by_role("button", name="Ask for approval").click()
    page.get_by_text("Bob is asked to approve it.").wait_for()
    plain.close()
