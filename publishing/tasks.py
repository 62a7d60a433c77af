"""What publishing's workers do: drain the lane of publications."""

from celery import shared_task

from publishing import reminding
from publishing.delivering import LANE
from socialops.lib.delivery import draining

drain = draining.task(LANE)


@shared_task(ignore_result=True)
def remind() -> None:
    """Approvals that wait: who is away, who is late."""
    reminding.remind()
