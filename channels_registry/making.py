"""Making channels, their people and their rights of the rows of a file: through the verbs, a transaction a row.

So it may be stopped, or die, at any row, and goes on at the next. The rights are given by who imports, in their name.
"""

import logging

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DataError, IntegrityError, transaction

from accounts import people
from accounts.models import Person
from channels_registry import access
from channels_registry.models import Channel, ChannelImport, ChannelRow
from channels_registry.queries.wishes import Ground, Somebody, Wish
from channels_registry.registering import change_channel, register_channel
from channels_registry.sifting import changes, ground_of, lacking, settle
from socialops.lib.clock import steady

log = logging.getLogger(__name__)
BATCH = 500  # rows that are read against the same ground


def make_until(of: ChannelImport, end: float) -> bool:
    """Make channels of the rows that are right, until then (steady seconds). True when none is left."""
    due = of.rows.filter(outcome="", problems={}).order_by("number")
    while steady() < end:
        rows = list(due[:BATCH])
        if not rows:
            return True
        ground = ground_of(of, rows)
        for row in rows:
            if not _one(of.pk, row.pk, ground) or steady() > end:
                return False
    return False


def _one(of_pk: int, pk: int, ground: Ground) -> bool:
    """One row with its outcome, or neither. False if the import was stopped."""
    with transaction.atomic():
        of = ChannelImport.objects.select_for_update(of=("self",)).select_related("by").get(pk=of_pk)
        row = ChannelRow.objects.select_for_update().get(pk=pk)
        if of.state != ChannelImport.State.IMPORTING:
            return False
        if row.outcome or row.problems:
            return True
        wish = ground.wish(row.number, row.cells)
        settle(row, wish, ground, of)
        if row.problems:
            row.outcome = "skipped"  # it was right when it was checked
        else:
            _write(row, wish, ground, of)
        row.save()
    if row.channel:
        ground.knows_channel(row.channel)
        ground.knows_grants([row.channel])
        for person in Person.objects.filter(email__in={each.email for each in wish.everybody() if not each.person}):
            ground.knows_person(person)
    return True


def _write(row: ChannelRow, wish: Wish, ground: Ground, of: ChannelImport) -> None:
    """Through the verbs; what they refuse stands in the row."""
    outcome = {"create": "created", "change": "changed", "nothing": "unchanged"}[row.plan]
    try:
        with transaction.atomic():
            row.channel = ground.of(wish) if row.plan == "nothing" else _made(wish, ground, of)
            row.outcome = outcome
    except (ValidationError, PermissionDenied) as error:
        row.channel, row.outcome, row.problems = None, "failed", _words(error)
    except (DataError, IntegrityError):
        log.exception("a row could not be imported")
        row.channel, row.outcome = None, "failed"
        row.problems = {"row": "The database did not take this row. Shorten it, or write it anew."}


def _made(wish: Wish, ground: Ground, of: ChannelImport) -> Channel:
    standing, by = ground.of(wish), of.by
    known = {each.email: each.person or _new(each, by) for each in wish.everybody()}
    if standing is None:
        said = {"name": wish.handle, **wish.details}
        said |= {name: known[each.email] for name, each in wish.people.items()}
        channel = register_channel(wish.network, wish.handle, by=by, **said)
    else:
        said = changes(standing, wish)
        said |= {name: known[each.email] for name, each in wish.people.items() if name in said}
        said.pop("state", None)
        channel = change_channel(standing, by, **said) if said else standing
    why = f"Imported from {of.name}"[:300]
    for entitlement, each in lacking(standing, wish, ground):
        _give(channel, known[each.email], entitlement, by, why)
    return channel


def _give(channel: Channel, person: Person, entitlement: str, by: Person, why: str) -> None:
    """Unless the verb that made them the owner has given it a moment ago."""
    if not channel.grants.standing().filter(person=person, door="right", entitlement=entitlement).exists():
        access.grant(channel, person, entitlement, by, why)


def _new(each: Somebody, by: Person) -> Person:
    found = Person.objects.filter(email=each.email).first()  # twice in one row
    return found or people.add_person(each.name or each.email.partition("@")[0], each.email, by)


def _words(error: ValidationError | PermissionDenied) -> dict[str, str]:
    if isinstance(error, PermissionDenied):
        return {"row": str(error)}
    if not hasattr(error, "error_dict"):
        return {"row": " ".join(error.messages)}
    return {name: " ".join(words) for name, words in error.message_dict.items()}
