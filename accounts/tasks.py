"""What accounts does by itself (socialops/schedule.py). Each task says "look now": one that is lost costs nothing."""

from celery import shared_task

from accounts import announcing, answering, calling, chaining, delivering, departing, hearing, listing, notifying
from socialops.lib.delivery import draining

drain = draining.task(delivering.LANE, calling.LANE)  # in one process: neither is worth one of its own


@shared_task(ignore_result=True)
def announce() -> None:
    announcing.announce()


@shared_task(ignore_result=True)
def seal() -> None:
    chaining.seal()


@shared_task(ignore_result=True)
def sign_head() -> None:
    chaining.sign_head()


@shared_task(ignore_result=True)
def mail_head() -> None:
    chaining.mail_head()


@shared_task(ignore_result=True)
def sweep_departed() -> None:
    hearing.catch_up()
    departing.sweep_departed()


@shared_task(ignore_result=True)
def gather_mail() -> None:
    notifying.gather()


@shared_task(ignore_result=True)
def forget_answers() -> None:
    answering.forget()


@shared_task(ignore_result=True)
def apply_leavers() -> None:
    listing.work_due()
