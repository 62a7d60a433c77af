"""`make screens [PAGES="name ..."]`: a picture of every page into ./screens, on a desk, on a phone, and in the dark.

Look at them. A page is done when you would show it to a designer.
"""

import os

import pytest

from tests.pages import PAGES
from tests.servers import CHECKOUT
from tests.test_pages import look

SCREENS = CHECKOUT / "screens"
WAYS = {
    "desk": {"viewport": {"width": 1380, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "device_scale_factor": 2},
    "dark": {"viewport": {"width": 1380, "height": 900}, "color_scheme": "dark"},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", os.environ.get("PAGES", "").split() or PAGES)
def test_photograph(name, way, demo, demo_site, browser):
    SCREENS.mkdir(exist_ok=True)
    page = look(name, demo, demo_site, browser, **WAYS[way])
    page.wait_for_load_state("networkidle")
    page.screenshot(path=SCREENS / f"{name}-{way}.png", full_page=way != "dark")
    page.context.close()
