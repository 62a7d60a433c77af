"""Level-triggered: whatever was missed while nothing ran is caught up at the next sweep."""

from celery import shared_task

from governance import offboarding


@shared_task(ignore_result=True)
def sweep() -> None:
    offboarding.sweep()
