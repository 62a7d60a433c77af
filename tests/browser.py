"""A real browser: Debian's Chromium, or the one Playwright installs.

Its headless shell, where there is one, is the same engine without the browser's own windows: a page costs a third of
the processor's time.

Its pages come from the test's own process: the same handler and middleware as gunicorn runs, without a start of two
seconds a test. Gunicorn itself is in tests/test_processes.py, tests/test_pages.py and the journeys.

The browser lives as long as its test module and not longer: while Playwright's synchronous API runs, asyncio cannot
start a loop in this thread, so keep async tests in modules without a browser.
"""

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Site:
    """Where the pages are: `site.url`."""

    url: str


@pytest.fixture
def web(fresh_database, settings) -> Iterator[Site]:
    """The pages of the test's own database, on a free port."""
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import WSGIHandler

    class Quiet(WSGIRequestHandler):
        disable_nagle_algorithm = True

        def log_message(self, *_) -> None:
            pass

    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.set_app(WSGIHandler())
    settings.PRIVATE_HOSTS = ["127.0.0.1"]
    settings.BASE_URL = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    serving.start()
    yield Site(settings.BASE_URL)
    server.shutdown()
    serving.join()
    server.server_close()


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
