"""A real browser: Debian's Chromium, or the one Playwright installs.

Its headless shell, where there is one, is the same engine without the browser's own windows: a page costs a third of
the processor's time.

The browser lives as long as its test module and not longer: while Playwright's synchronous API runs, asyncio cannot
start a loop in this thread, so keep async tests in modules without a browser.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
HOW_TO_MEND = "There is no Chromium: apt-get install chromium-headless-shell, or .venv/bin/playwright install chromium"


def chromium_path(playwright: Playwright) -> str | None:
    """The system's browser, else the one that Playwright has installed, else nothing."""
    own = playwright.chromium.executable_path
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or (own if Path(own).exists() else None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = (
        "yes"  # Playwright's loop runs in our thread; the test's queries are plain
    )
    with sync_playwright() as playwright:
        path = chromium_path(playwright) or pytest.fail(HOW_TO_MEND)
        options = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        with playwright.chromium.launch(executable_path=path, args=options) as launched:
            yield launched
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def browser_context(browser: Browser, web) -> Iterator[BrowserContext]:
    """A private window on the test's own site. Open another with `browser.new_context(base_url=web.url)`."""
    context = browser.new_context(base_url=web.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(browser_context: BrowserContext) -> Page:
    """A page of the test's own site: `page.goto("/")`."""
    return browser_context.new_page()
