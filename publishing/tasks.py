"""What publishing's workers do: drain the lanes of publications and of changes of what is out, keep plans and approvals
going, read files of posts, count reactions.
"""

from celery import shared_task

from publishing import carding, correcting, importing, measuring, reminding, repeating, retiming, warning
from publishing.delivering import LANE
from socialops.lib.delivery import draining

drain = draining.task(LANE)
drain_correct = draining.task(correcting.LANE)


@shared_task(ignore_result=True)
def work_imports() -> None:
    """Files of posts: check their rows, make drafts of them."""
    importing.work_due()


@shared_task(ignore_result=True)
def read_pages() -> None:
    """Pages that people link to: what they say of themselves, for link cards."""
    carding.read_due()


@shared_task(ignore_result=True)
def forget_pages() -> None:
    carding.forget()


@shared_task(ignore_result=True)
def remind() -> None:
    """Approvals that wait: who is away, who is late."""
    reminding.remind()


@shared_task(ignore_result=True)
def retime() -> None:
    """What was planned under an older release of the time zones keeps its wall time."""
    retiming.retime()


@shared_task(ignore_result=True)
def repeat() -> None:
    """Posts that repeat: a row for each of their times in the next 90 days."""
    repeating.expand_due()


@shared_task(ignore_result=True)
def measure() -> None:
    """What is out: reactions and views, at the ages at which they are counted."""
    measuring.measure_due()


@shared_task(ignore_result=True)
def warn() -> None:
    """Connections that end soon, with the posts that will fail."""
    warning.warn_due()
