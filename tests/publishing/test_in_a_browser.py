"""What only a browser shows: previews that follow the typing, and a decision by thumb."""

import re

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


def test_a_reload_costs_nothing_that_was_typed(acme, web, browser_context, page):
    sign_in(browser_context, web, factories.person("alice"))
    page.goto("/posts/new/")
    page.get_by_label("What do you want to say?").fill("Half a thou")
    page.wait_for_url(re.compile(r"/posts/\d+/"))  # the first words made a draft
    page.get_by_label("What do you want to say?").fill("Half a thought")
    page.reload()  # at once, before the next keeping
    page.locator("#unsaved", has_text="Half a thought").wait_for()
    page.get_by_role("link", name="Restore it").click()
    assert page.get_by_label("What do you want to say?").input_value() == "Half a thought"


def test_two_editors_in_two_browsers_see_each_other_and_neither_text_is_lost(acme, web, browser):
    alice, amy = factories.person("alice"), factories.person("amy")
    factories.grant(acme, amy, "author")
    post = write(alice, [acme])
    pages = []
    for person in (alice, amy):
        context = browser.new_context(base_url=web.url)
        sign_in(context, web, person)
        pages.append(context.new_page())
        pages[-1].goto(f"/posts/{post.pk}/")
    hers, his = pages
    his.get_by_label("What do you want to say?").fill(TEXT.replace("0.20", "0.30"))
    his.get_by_text("Kept at").wait_for()
    hers.get_by_label("What do you want to say?").fill(TEXT.replace("free", "gratis"))
    hers.get_by_text("Amy is editing this now.").wait_for()
    his.get_by_role("button", name="Save", exact=True).click()
    his.get_by_text("Revision 2").first.wait_for()
    hers.get_by_text("Amy saved this post while you were writing").wait_for(timeout=25_000)
    hers.get_by_role("button", name="Save", exact=True).click()
    hers.locator("ins", has_text="gratis").wait_for()
    assert hers.get_by_label("What do you want to say?").input_value() == TEXT.replace("free", "gratis")
    assert "0.30" in hers.locator(".notice.risk").inner_text()
    for each in pages:
        each.context.close()


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
