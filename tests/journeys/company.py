"""What the people of the journeys do, each in a window of their own, through the pages and in no other way.

Not even a person is planted: the first administrator comes from the command that an operator runs, everybody else from
the link in the mail that a worker delivered. Only accounts and app passwords exist beforehand, on the network.
"""

import email
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from email import policy
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect

from tests.atproto.network import Account
from tests.processes import Processes, Running, wait_until
from tests.servers import CHECKOUT

PATIENCE = 60  # seconds for anything that a busy machine may take long over
PASSWORD = "a long sentence that nobody guesses"
CHANNEL = "Fernhill Bank"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


class Company:
    """A company on its first day: web, worker and beat run, and nobody is there but the people we let in."""

    def __init__(self, processes: Processes, browser: Browser) -> None:
        processes.env["SOCIALOPS_PRIVATE_HOSTS"] = "127.0.0.1,localhost"
        self.processes, self.browser = processes, browser
        self.site = processes.web()
        processes.env["BASE_URL"] = self.site.url  # the worker writes the links of mails
        self.running: list[Running] = []
        self.pages: dict[str, Page] = {}
        self.windows: list = []
        self.start()

    def start(self) -> None:
        self.running = [self.processes.worker(9), self.processes.beat()]

    def stop(self) -> None:
        for each in self.running:
            each.stop()
        self.running = []

    def window(self, size: dict | None = None) -> Page:
        """A private window, of a phone if it is that small."""
        small = size == PHONE
        opened = self.browser.new_context(
            base_url=self.site.url, viewport=size or DESK, has_touch=small, timezone_id="UTC", accept_downloads=True
        )
        opened.set_default_timeout(PATIENCE * 1000)
        opened.set_default_navigation_timeout(PATIENCE * 1000)
        self.windows.append(opened)
        return opened.new_page()

    def close(self) -> None:
        for each in self.windows:
            each.close()

    def __getitem__(self, name: str) -> Page:
        """The window in which this person is signed in."""
        return self.pages[name]

    # --- People -------------------------------------------------------------------------------------------------------

    def found(self) -> None:
        """The operator makes erin, who opens the link that was printed."""
        command = [sys.executable, "manage.py", "first_administrator", "Erin", "erin@example.test"]
        env = {**os.environ, **self.processes.env}
        said = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, timeout=PATIENCE)
        assert said.returncode == 0, said.stderr
        self.accept("erin", said.stdout.split()[-1])

    def invite(self, name: str, role: str = "") -> None:
        """erin adds somebody, who gets a mail, opens its link, chooses a password and signs in."""
        erin = self["erin"]
        erin.goto("/people/new/")
        erin.get_by_label("Name").fill(name.title())
        erin.get_by_label("Work e-mail").fill(f"{name}@example.test")
        if role:
            erin.get_by_label("Role").select_option(role)
        erin.get_by_role("button", name="Add").click()
        expect(erin.get_by_role("heading", name=name.title(), exact=True)).to_be_visible()
        link = wait_until(lambda: self.mailed_link(name), f"the invitation of {name}", seconds=PATIENCE)
        self.accept(name, link)

    def mailed_link(self, name: str) -> str:
        """The link in the mail to this person on this site; "" until it has been delivered."""
        ours = re.compile(re.escape(self.site.url) + r"/invitations/\S+")
        for path in Path(settings.EMAIL_FILE_PATH).glob("*"):
            for part in path.read_bytes().split(b"-" * 79):
                mail = email.message_from_bytes(part.lstrip(), policy=policy.default)
                body = mail.get_body(("plain",)) if f"{name}@example.test" in str(mail["To"]) else None
                if body and (found := ours.search(body.get_content())):
                    return found[0]
        return ""

    def accept(self, name: str, link: str) -> None:
        page = self.window()
        page.goto(link)
        page.get_by_label("Choose a password").fill(PASSWORD)
        page.get_by_role("button", name="Accept the invitation").click()
        expect(page).to_have_url(re.compile("/account/login/"))
        self.pages[name] = self.sign_in(name, page)

    def sign_in(self, name: str, page: Page) -> Page:
        page.goto("/account/login/")
        page.get_by_label("E-mail").fill(f"{name}@example.test")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", name=re.compile(f"{name.title()}\\."))).to_be_visible()
        return page

    # --- The channel --------------------------------------------------------------------------------------------------

    def register(self, server: str, account: Account, app_password: str) -> None:
        """erin registers the account as a channel of hers, connects it, and waits until it is proven."""
        erin = self["erin"]
        erin.goto("/channels/new/")
        erin.get_by_label("Network", exact=True).select_option("bluesky")
        erin.get_by_label("Handle", exact=True).fill(account.handle)
        erin.get_by_label("Name", exact=True).fill(CHANNEL)
        erin.get_by_label("Owner").select_option(label="Erin")
        erin.get_by_role("button", name="Register").click()
        erin.get_by_label("Server").fill(server)
        erin.get_by_label("Handle", exact=True).fill(account.handle)
        erin.get_by_label("Name of the app password").fill("Socialops")
        erin.get_by_label("App password", exact=True).fill(app_password)
        erin.get_by_role("button", name="Connect", exact=True).click()
        expect(erin.get_by_role("heading", name=f"{CHANNEL} is connected")).to_be_visible(timeout=PATIENCE * 1000)
        erin.get_by_role("link", name="Open the channel").click()
        expect(erin.get_by_role("heading", name="Who can reach it")).to_be_visible()
        self.channel = erin.url

    def grant(self, **levels: str) -> None:
        """erin lets people do something on the channel: `grant(alice="author publisher")`."""
        erin = self["erin"]
        for name, words in levels.items():
            for level in words.split():
                erin.goto(f"{self.channel}grants/new/")
                erin.get_by_label("Person").select_option(label=name.title())
                erin.get_by_label("What they may do").select_option(level)
                erin.get_by_label("Why").fill("First day")
                erin.get_by_role("button", name="Give access").click()
                expect(erin.get_by_role("heading", name="Who can reach it")).to_be_visible()

    # --- A post -------------------------------------------------------------------------------------------------------

    def write(self, text: str) -> str:
        """alice drafts a post and asks bob, who decides on his phone; the address of the approved post."""
        alice = self["alice"]
        alice.goto("/posts/new/")
        alice.get_by_label("What do you want to say?").fill(text)
        alice.get_by_label(CHANNEL).first.check()
        alice.get_by_role("button", name="Save and ask for approval").click()
        alice.get_by_label("Who should decide?").select_option(label="Bob")
        alice.get_by_role("button", name="Ask for approval").click()
        expect(alice.get_by_text("Bob is asked to approve it.")).to_be_visible()
        bob = self["bob"]
        bob.goto("/approvals/")
        bob.get_by_role("link", name="Read and decide").tap()
        bob.get_by_role("button", name="Approve").tap()
        expect(bob.get_by_text("Nothing waits for you")).to_be_visible()
        return alice.url

    def bob_takes_his_phone(self) -> None:
        """From here on bob decides on a small screen, by thumb."""
        self.pages["bob"] = self.sign_in("bob", self.window(PHONE))


def reload_until(page: Page, seen: Callable[[], object], what: str, seconds: float = PATIENCE):
    """Load the page again until it shows something, as somebody who waits would; what was seen."""
    deadline = time.monotonic() + seconds
    while not (found := seen()):
        if time.monotonic() > deadline:
            pytest.fail(
                f"Waited {seconds:g} s for {what}. {page.url} shows:\n{page.locator('main').inner_text()[:3000]}"
            )
        page.wait_for_timeout(1000)
        page.reload()
    return found
