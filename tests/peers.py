"""`python -m tests.peers`: is everything here that the tests need besides Python? One line a thing that is missing."""

import sys

from playwright.sync_api import sync_playwright

from tests.atproto.installing import NotInstalled, installed
from tests.browser import HOW_TO_MEND, chromium_path


def main() -> int:
    missing = []
    with sync_playwright() as playwright:
        if not chromium_path(playwright):
            missing.append(HOW_TO_MEND)
    try:
        installed()
    except NotInstalled as error:
        missing.append(str(error))
    for line in missing:
        print(line, file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
