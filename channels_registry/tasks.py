"""What channels_registry's workers do. Every task takes what is due now; a message only says "look now"."""

from celery import shared_task

from channels_registry import (
    access,
    drifting,
    expiring,
    importing,
    polling,
    rating,
    refreshing,
    rehearsing,
    reminding,
    shutting,
    verifying,
)
from socialops.lib.delivery import draining

drain_revoke = draining.task(shutting.LANE)


@shared_task
def prove_connections() -> int:
    return polling.prove_due()


@shared_task
def read_doors() -> int:
    return polling.observe_due()


@shared_task
def renew_connections() -> int:
    return refreshing.refresh_due()


@shared_task
def rehearse_connections() -> int:
    return rehearsing.rehearse_due()


@shared_task
def verify_doors() -> int:
    return verifying.verify_due()


@shared_task
def find_drift() -> int:
    """What networks show and what is declared, compared."""
    return sum(drifting.level())


@shared_task
def end_access() -> int:
    """Who is told that their access ends; and doors elsewhere whose time is over."""
    return expiring.warn() + expiring.sweep()


@shared_task
def give_back() -> int:
    return polling.part_due()


@shared_task
def work_imports() -> int:
    """Files of channels: check their rows, enter them."""
    return importing.work_due()


@shared_task
def rate_channels() -> int:
    return rating.rate_due()


@shared_task
def remind_of_doors() -> int:
    return reminding.remind()


@shared_task
def level_access() -> None:
    """Guardian's rows follow the ledger; what was kept from being shut goes on; what is gone from a list is proven."""
    access.level()
    shutting.release_blocked()
    verifying.settle_by_list()
