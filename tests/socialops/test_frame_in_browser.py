"""The frame with a keyboard and a mouse: the palette, the theme, the sheet of a phone; and without any script."""

import pytest
from playwright.sync_api import expect

from tests import factories


@pytest.fixture
def alice(fresh_database):
    """alice, with a password; signed in through the page."""
    who = factories.person("alice")
    factories.user(who, factories.PASSWORD)
    return who


def sign_in(page):
    page.goto("/account/login/")
    page.get_by_label("E-mail").fill("alice@example.test")
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Alice. Nothing waits for you.")).to_be_visible()


def test_ctrl_k_finds_a_verb_and_enter_does_it(alice, page):
    sign_in(page)
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.type("compose")
    expect(page.locator("#palette .result")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url("/posts/new/")
    page.go_back()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(page).to_have_url("/inbox/")


def test_the_outlook_arrives_after_what_waits(alice, page):
    sign_in(page)
    expect(page.get_by_text("Nothing is scheduled until this time tomorrow.")).to_be_visible()
    expect(page.get_by_text("Nothing is broken on the channels you see.")).to_be_visible()


def test_the_theme_changes_at_once_and_stays(alice, page):
    sign_in(page)
    page.get_by_role("button", name="Alice").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.wait_for_load_state("networkidle")
    page.goto("/people/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_on_a_phone_the_rest_of_the_rail_is_a_sheet(alice, page):
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page)
    expect(page.get_by_role("link", name="People")).not_to_be_visible()
    page.get_by_role("button", name="More").click()
    page.get_by_role("link", name="People").click()
    expect(page).to_have_url("/people/")


def test_everything_of_the_frame_works_without_a_script(alice, browser, web):
    context = browser.new_context(base_url=web.url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page)
    page.get_by_role("searchbox").fill("people")
    page.keyboard.press("Enter")
    expect(page).to_have_url("/search/?q=people")
    page.goto("/")
    page.get_by_role("link", name="See what goes out, and what is broken").click()
    expect(page.get_by_role("heading", name="Outlook")).to_be_visible()
    page.get_by_role("button", name="Alice").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    context.close()
