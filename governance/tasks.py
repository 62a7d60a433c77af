"""Level-triggered: whatever was missed while nothing ran is caught up at the next sweep."""

from celery import shared_task

from governance import offboarding, retaining


@shared_task(ignore_result=True)
def begin_offboarding() -> None:
    offboarding.begin()


@shared_task(ignore_result=True)
def sweep() -> None:
    offboarding.sweep()


@shared_task(ignore_result=True)
def purge() -> None:
    """What is kept no longer."""
    retaining.purge()
