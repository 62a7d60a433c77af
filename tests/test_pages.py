"""Every page of the demo company, as its reader opens it.

It answers, asks little of the database, keeps to the policy, and is accessible.

The list comes from the URL configuration (tests/pages.py), so a page cannot be forgotten.
"""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Page

from tests.pages import NOT_PAGES, PAGES, addresses, path_of, visitor
from tests.servers import CHECKOUT

MOST_QUERIES = 12
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
    assert count <= MOST_QUERIES, f"{path}: {count} queries\n" + "\n".join(each["sql"][:200] for each in asked)
    html = response.content.decode()
    assert not INLINE_STYLE.search(html), INLINE_STYLE.search(html)
    assert not INLINE_SCRIPT.search(html), INLINE_SCRIPT.search(html)


@pytest.mark.parametrize("name", PAGES)
def test_it_is_accessible_in_light_and_dark_and_fits_a_small_phone(name, demo, demo_site, browser):
    from axe_playwright_python.sync_playwright import Axe

    path = path_of(name, demo)
    page = look(name, demo, demo_site, browser, reduced_motion="reduce")
    found = violations(Axe(), page, "light", AXE_TAGS) + violations(Axe(), page, "dark", AXE_COLOURS)
    page.set_viewport_size({"width": 360, "height": 740})
    wide = page.evaluate("document.documentElement.scrollWidth")
    too_wide = page.evaluate(WIDEST) if wide > 360 else ""
    page.context.close()
    assert not found, f"{path}: {found}"
    assert wide <= 360, f"{path} is {wide} px wide on a phone of 360: {too_wide}"


WIDEST = """() => [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > 361)
    .slice(-3).map(e => e.tagName + '.' + e.className).join(', ')"""


def look(name, company, url, browser, **more) -> Page:
    """The page in a window of its reader's."""
    window = browser.new_context(**{"base_url": url, "viewport": {"width": 1380, "height": 900}, **more})
    window.set_default_timeout(15_000)
    cookies = visitor(name, company).cookies
    window.add_cookies([{"name": key, "value": each.value, "url": url} for key, each in cookies.items()])
    page = window.new_page()
    answer = page.goto(path_of(name, company))
    assert answer.status == 200, f"{path_of(name, company)} answered {answer.status}"
    return page


def test_the_theme_changes_colours_and_nothing_else():
    """So in the dark only the rules about colours can find anything that they have not found in the light."""
    themed = re.findall(
        r"data-theme.*", "\n".join(path.read_text() for path in (CHECKOUT / "static/css").rglob("*.css"))
    )
    assert sorted(themed) == [f'data-theme="{theme}"] {{ color-scheme: {theme} }}' for theme in ("dark", "light")]


def violations(axe, page: Page, theme: str, rules: dict) -> list[str]:
    page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    results = axe.run(page, options=options).response["violations"]
    nodes = [(each["id"], node) for each in results for node in each["nodes"][:3]]
    return [f"{theme}, {rule}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}" for rule, node in nodes]
