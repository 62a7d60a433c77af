"""Starting, or saying in one line why not: a wrong setting is a person's business, not a traceback's."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from socialops.local import LocalError


def load_settings(status: int = 1) -> None:
    """Load the settings, or end the process with what is wrong with them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "socialops.settings")
    try:
        _ = settings.INSTALLED_APPS
    except (ImproperlyConfigured, LocalError) as error:
        print(f"Socialops cannot start. {error}", file=sys.stderr, flush=True)
        raise SystemExit(status) from None
