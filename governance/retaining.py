"""What is kept how long, in one place: settings.KEPT_DAYS, with what each of its lines deletes.

The trail, posts with all that was decided about them, publications and evidence are records: nothing here touches them.
What stands under a legal hold (governance/preserving.py) stays whatever its age.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import retention as accounts
from governance import preserving
from publishing import retention as publishing
from socialops.lib.keeping import Kept
from socialops.lib.turns import safely

log = logging.getLogger(__name__)
ROUNDS = 20  # an hour
PURGES: dict[str, tuple[Callable[[datetime, Kept], int], ...]] = {
    "webhooks": (accounts.purge_webhooks,),
    "mails": (accounts.purge_mails,),
    "tokens": (accounts.purge_tokens, publishing.purge_feeds),
    "readings": (publishing.purge_readings,),
    "imports": (publishing.purge_imports,),
    "measurements": (publishing.purge_measurements,),
}


def purge() -> dict[str, int]:
    """Delete what is kept no longer. Returns how many of each; one kind that breaks costs the others nothing."""
    now = timezone.now()
    gone = {name: sum(_rounds(each, now - timedelta(days=settings.KEPT_DAYS[name])) for each in purges)
            for name, purges in PURGES.items()}  # fmt: skip
    log.info("kept no longer: %s", ", ".join(f"{count} {name}" for name, count in gone.items() if count) or "nothing")
    return gone


def _rounds(purge: Callable[[datetime, Kept], int], before: datetime) -> int:
    gone = 0
    for _ in range(ROUNDS):
        if not (count := safely(partial(_round, purge), before)):
            break
        gone += count
    return gone


@transaction.atomic
def _round(purge: Callable[[datetime, Kept], int], before: datetime) -> int:
    """With what stands under a legal hold as it is now: none can be placed until these rows are gone."""
    return purge(before, preserving.kept())
