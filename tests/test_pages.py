"""Every page of the demo company, as its reader opens it.

It answers, asks little of the database, keeps to the policy, and is accessible.

The list comes from the URL configuration (tests/pages.py), so a page cannot be forgotten.
"""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.db import connection
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Page

from tests.pages import NOT_PAGES, PAGES, addresses, path_of, visitor
from tests.servers import CHECKOUT

MOST_QUERIES = 12
DESK = {"width": 1380, "height": 900}
BRACKETS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")  # of a transaction: nothing is asked
AXE_TAGS = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
AXE_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}  # of those, what looks at colours
INLINE_STYLE = re.compile(r"<style|\sstyle\s*=")
INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>|\son[a-z]+\s*=\s*[\"']")


def test_every_page_has_an_example():
    missing = sorted(set(addresses()) - PAGES.keys() - NOT_PAGES.keys())
    assert not missing, f"Add these pages to tests/pages.py: {', '.join(missing)}"


def test_no_example_without_a_page():
    assert not sorted((PAGES.keys() | NOT_PAGES.keys()) - set(addresses()))


@pytest.mark.parametrize("name", PAGES)
def test_it_answers_within_its_queries_and_without_inline_code(name, demo):
    client, path = visitor(name, demo), path_of(name, demo)
    client.get(path)  # what is read once a process (content types) is not the page's
    with CaptureQueriesContext(connection) as asked:
        response = client.get(path)
    assert response.status_code == 200, f"{path}: {response.status_code} {response.headers.get('Location', '')}"
    count = len([each for each in asked if not each["sql"].startswith(BRACKETS)])
    most = MOST_QUERIES + PAGES[name].dry_run
    assert count <= most, f"{path}: {count} queries\n" + "\n".join(each["sql"][:200] for each in asked)
    html = response.content.decode()
    assert not INLINE_STYLE.search(html), INLINE_STYLE.search(html)
    assert not INLINE_SCRIPT.search(html), INLINE_SCRIPT.search(html)


@pytest.mark.parametrize("name", PAGES)
def test_it_is_accessible_in_light_and_dark_and_fits_a_small_phone(name, demo, desks):
    path, page = path_of(name, demo), desks(name)
    found = violations(page)
    page.set_viewport_size({"width": 360, "height": 740})
    wide = page.evaluate("document.documentElement.scrollWidth")
    too_wide = page.evaluate(WIDEST) if wide > 360 else ""
    assert not found, f"{path}: {found}"
    assert wide <= 360, f"{path} is {wide} px wide on a phone of 360: {too_wide}"


@pytest.fixture(scope="module")
def desks(demo, demo_site, browser) -> Callable[[str], Page]:
    """A page in the one window of its reader's: that keeps scripts and styles, as a person's browser does."""
    windows: dict[tuple[str, bool], Page] = {}

    def open_page(name: str) -> Page:
        reader = PAGES[name].who, PAGES[name].stage
        if reader not in windows:
            windows[reader] = look(name, demo, demo_site, browser, reduced_motion="reduce")
            return windows[reader]
        page = windows[reader]
        page.set_viewport_size(DESK)
        return at(page, path_of(name, demo))

    return open_page


WIDEST = """() => [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > 361)
    .slice(-3).map(e => e.tagName + '.' + e.className).join(', ')"""


def look(name, company, url, browser, **more) -> Page:
    """The page in a window of its reader's."""
    window = browser.new_context(**{"base_url": url, "viewport": DESK, **more})
    window.set_default_timeout(15_000)
    cookies = visitor(name, company).cookies
    window.add_cookies([{"name": key, "value": each.value, "url": url} for key, each in cookies.items()])
    return at(window.new_page(), path_of(name, company))


def at(page: Page, path: str) -> Page:
    answer = page.goto(path)
    assert answer and answer.status == 200, f"{path} answered {answer and answer.status}"
    return page


def test_the_theme_changes_colours_and_nothing_else():
    """So in the dark only the rules about colours can find anything that they have not found in the light."""
    themed = re.findall(
        r"data-theme.*", "\n".join(path.read_text() for path in (CHECKOUT / "static/css").rglob("*.css"))
    )
    assert sorted(themed) == [f'data-theme="{theme}"] {{ color-scheme: {theme} }}' for theme in ("dark", "light")]


def violations(page: Page) -> list[str]:
    """What axe finds in the light, and with the rules about colours in the dark."""
    page.evaluate(AXE_SCRIPT)
    return [f"{theme}, {rule}: {why}" for theme, rule, why in page.evaluate(LOOK, [AXE_TAGS, AXE_COLOURS])]


LOOK = """async ([all, colours]) => {
    const found = []
    for (const [theme, runOnly] of [['light', all], ['dark', colours]]) {
        document.documentElement.dataset.theme = theme
        const { violations } = await axe.run({ runOnly, resultTypes: ['violations'] })
        for (const { id, nodes } of violations)
            for (const { html, failureSummary } of nodes.slice(0, 3))
                found.push([theme, id, html.slice(0, 160) + ' ' + (failureSummary || '').slice(0, 200)])
    }
    return found
}"""
