"""Every page, as its reader opens it: it answers, asks little of the database, keeps to the policy, and is accessible.

The list comes from the URL configuration (tests/pages.py), so a page cannot be forgotten.
"""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import company as companies
from tests.pages import NOT_PAGES, PAGES, addresses, give_second_factor, path_of, visitor

MOST_QUERIES = 12
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
INLINE_STYLE = re.compile(r"<style|\sstyle\s*=")
INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>|\son[a-z]+\s*=\s*[\"']")


def test_every_page_has_an_example():
    missing = sorted(set(addresses()) - PAGES.keys() - NOT_PAGES.keys())
    assert not missing, f"Add these pages to tests/pages.py: {', '.join(missing)}"


def test_no_example_without_a_page():
    assert not sorted((PAGES.keys() | NOT_PAGES.keys()) - set(addresses()))


@pytest.fixture
def company(db):
    found = companies.found()
    give_second_factor(found)
    return found


def test_every_page_answers_within_its_queries_and_without_inline_code(company, subtests):
    for name in PAGES:
        with subtests.test(name):
            client, path = visitor(name, company), path_of(name, company)
            client.get(path)  # what is read once a process (content types) is not the page's
            with CaptureQueriesContext(
                connection,
            ) as asked:
                response = client.get(path)
            assert response.status_code == 200, (
                f"{path} answered {response.status_code} {response.headers.get('Location', '')}"
            )
            count = len([each for each in asked if not each["sql"].startswith(("SAVEPOINT", "RELEASE"))])
            assert count <= MOST_QUERIES, f"{path}: {count} queries\n" + "\n".join(each["sql"][:200] for each in asked)
            html = response.content.decode()
            assert not INLINE_STYLE.search(html), INLINE_STYLE.search(html)
            assert not INLINE_SCRIPT.search(html), INLINE_SCRIPT.search(html)


@pytest.fixture
def open_company(fresh_database):
    """The same, committed, so that the web process sees it."""
    found = companies.found()
    give_second_factor(found)
    return found


def test_every_page_is_accessible_in_light_and_dark_and_fits_a_small_phone(open_company, web, browser, subtests):
    from axe_playwright_python.sync_playwright import Axe

    axe, contexts = Axe(), {}
    for name in PAGES:
        with subtests.test(name):
            page = look(name, open_company, web.url, browser, contexts, reduced_motion="reduce")
            path = path_of(name, open_company)
            found = violations(axe, page, "light", {"type": "tag", "values": AXE_TAGS})
            found += violations(axe, page, "dark", {"type": "rule", "values": ["color-contrast"]})
            page.set_viewport_size({"width": 360, "height": 740})
            wide = page.evaluate("document.documentElement.scrollWidth")
            too_wide = page.evaluate(WIDEST) if wide > 360 else ""
            page.close()
            assert not found, f"{path}: {found}"
            assert wide <= 360, f"{path} is {wide} px wide on a phone of 360: {too_wide}"


WIDEST = """() => [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > 361)
    .slice(-3).map(e => e.tagName + '.' + e.className).join(', ')"""


def look(name, company, url, browser, contexts, **more):
    """The page in a real browser, opened by its reader. One window a reader, kept in `contexts`."""
    who = (PAGES[name].who, PAGES[name].stage)
    if who not in contexts:
        contexts[who] = browser.new_context(**{"base_url": url, "viewport": {"width": 1380, "height": 900}, **more})
        contexts[who].set_default_timeout(15_000)
        cookies = visitor(name, company).cookies
        contexts[who].add_cookies([{"name": key, "value": each.value, "url": url} for key, each in cookies.items()])
    page = contexts[who].new_page()
    answer = page.goto(path_of(name, company))
    assert answer.status == 200, f"{path_of(name, company)} answered {answer.status}"
    return page


def violations(axe, page, theme: str, rules: dict) -> list[str]:
    page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    results = axe.run(page, options=options).response["violations"]
    nodes = [(each["id"], node) for each in results for node in each["nodes"][:3]]
    return [f"{theme}, {rule}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}" for rule, node in nodes]
