"""Level-triggered: whatever was missed while nothing ran is caught up at the next sweep."""

from celery import shared_task

from governance import (
    breaking_glass,
    erasing,
    handing,
    lapsing,
    offboarding,
    packing,
    populating,
    remedying,
    requesting,
    retaining,
)
from socialops.lib.wall_clock import database_now


@shared_task(ignore_result=True)
def begin_offboarding() -> None:
    offboarding.begin()


@shared_task(ignore_result=True)
def sweep() -> None:
    offboarding.sweep()


@shared_task(ignore_result=True)
def follow_requests() -> None:
    """Approved rights are given; what nobody decided, and emergency access, ends."""
    requesting.sweep()
    breaking_glass.sweep()


@shared_task(ignore_result=True)
def purge() -> None:
    """What is kept no longer."""
    retaining.purge()


@shared_task(ignore_result=True)
def make_packs() -> None:
    """Evidence that was asked for."""
    packing.work_due()


@shared_task(ignore_result=True)
def erase() -> None:
    """People whose data two others have decided to erase."""
    erasing.work_due()


@shared_task(ignore_result=True)
def review() -> None:
    """Access reviews: populations to freeze, reviewers who left, due dates, doors to shut."""
    populating.work_due()
    handing.level()
    lapsing.end_what_is_over(database_now())
    remedying.revoke_due()


@shared_task(ignore_result=True)
def review_slowly() -> None:
    """What looks at every item of open reviews, and reminders."""
    lapsing.note_ended()
    handing.level_slowly()
    lapsing.remind(database_now())
