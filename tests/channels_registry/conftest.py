"""A sandbox network for many tests. Django is not set up when this file loads, so fixtures import for themselves."""

from functools import partial

import pytest


@pytest.fixture
def there(sandbox_server, settings, tmp_path):
    """The sandbox network, empty; our keys are the test's own."""
    settings.SEALING_KEYS = str(tmp_path / "keys")
    settings.PRIVATE_HOSTS = ["127.0.0.1"]
    settings.MEDIA_ROOT = tmp_path / "media"
    sandbox_server.reset()
    return sandbox_server


@pytest.fixture
def place(there, db):
    """Make an account over there and its channel here: place("acme", people=[...], app_passwords=[...])."""
    from tests.channels_registry.places import open_place

    return partial(open_place, there)


@pytest.fixture
def dana(db):
    """Somebody who leaves."""
    from tests import factories

    return factories.person("dana")
