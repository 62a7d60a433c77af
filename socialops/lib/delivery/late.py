"""An acceptance that came after its row had moved on: it is out, so it is never sent again, and a person says so.

The attempt keeps the answer (settling._note_late). The database keeps the rest (rules.late_answer_rules): such a row is
never scheduled again, and becomes done from states that lead nowhere near it otherwise. A `delivery` here is a row of
a concrete Delivery, with its `attempts`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Subquery

from socialops.lib.delivery.models import LATE_MOVES, Attempt

CAME_LATE = "An answer came late: an earlier sending is out. Look, and say so; it is not sent again."
ACCEPTED = {"evidence__late__outcome": "accepted"}


def late_acceptance(delivery: Any) -> Mapping[str, Any] | None:
    """What the network said too late, with `remote_id` and `remote_url`; None if it said nothing of the kind."""
    return acceptance_in(delivery.attempts.filter(**ACCEPTED).order_by("-fence")[:1])


def acceptance_in(attempts: Iterable[Attempt]) -> Mapping[str, Any] | None:
    """The same among attempts that were read already."""
    said = (attempt.evidence.get("late") or {} for attempt in attempts)
    return next((each for each in said if each.get("outcome") == "accepted"), None)


def accepted_late(attempts: type[Attempt]) -> Exists:
    """The same as a condition on the rows of a query."""
    return Exists(attempts._default_manager.filter(**{"delivery": OuterRef("pk"), **ACCEPTED}))


def late_url(attempts: type[Attempt]) -> Subquery:
    """Where it stands by that answer, likewise."""
    found = attempts._default_manager.filter(**{"delivery": OuterRef("pk"), **ACCEPTED}).order_by("-fence")
    return Subquery(found.values("evidence__late__remote_url")[:1])


def refuse_late_answer(delivery: Any) -> None:
    """For every verb that sends again, or says that nothing is out. Call it with the row locked."""
    if late_acceptance(delivery) is not None:
        raise ValidationError("A late answer says that it is already out. Look on the network, then say that it is.")


def may_confirm(delivery: Any) -> bool:
    """Whether a person may say that it is out: nobody knows, or a late answer says the same."""
    if delivery.state == "needs_human":
        return True
    return delivery.state in LATE_MOVES and late_acceptance(delivery) is not None
