"""The trail on a phone and on a desk."""

from playwright.sync_api import expect

from tests import factories

PHONE = {"width": 390, "height": 844}


def read_the_trail(page, query: str = ""):
    """frank, who is auditor, opens it."""
    page.goto("/account/login/")
    page.get_by_label("E-mail").fill("frank@example.test")
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Frank")).to_be_visible()
    page.goto(f"/audit/{query}")


def frank():
    factories.user(factories.person("frank", "auditor"), factories.PASSWORD)


def test_on_a_phone_the_first_event_stands_on_the_first_screen_and_the_filters_behind_a_button(fresh_database, page):
    frank()
    page.set_viewport_size(PHONE)
    read_the_trail(page)
    expect(page.get_by_label("By whom")).to_be_hidden()
    assert page.locator("main tbody tr").first.bounding_box()["y"] < PHONE["height"]
    page.get_by_text("Filters").click()
    page.get_by_label("By whom").fill("Erin")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_label("By whom")).to_be_visible()  # a filter that is set is in sight
    expect(page.get_by_label("By whom")).to_have_value("Erin")


def test_on_a_desk_the_filters_are_in_sight(fresh_database, page):
    frank()
    read_the_trail(page)
    expect(page.get_by_label("By whom")).to_be_visible()
    expect(page.get_by_text("Filters")).to_be_hidden()
