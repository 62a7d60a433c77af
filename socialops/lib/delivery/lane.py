"""How one kind of effect is delivered. A kind is two models (Delivery, Attempt), a Lane, and its drain task:

    # publishing/delivering.py
    LANE = Lane(
        name="publish",
        model=Publication,
        attempts=PublicationAttempt,
        refusals=[Refusal("held", "A hold stands on this channel.", Q(channel__in=held_channels()), stops=True)],
        waits=[Wait(Q(channel__in=cooling_channels()), until=cooling_until())],
        client=lambda: Http(gate=gate),   # one a shift; any async context manager
        load=load,                        # (ids, client) -> {id: parcel}; one or two queries for the whole batch
        send=send,                        # async (parcel) -> Done | Step; a connector's Published and Continue fit
        errors=Errors(refused=(Refused,), later=(TryLater,), dead=(Disconnected,)),
        look=look,                        # async (parcel) -> Done | Unclear | None (proven absent)
        looking=looking,                  # (parcel) -> Looking, or None where the network has no look-up
        settled=settled,                  # (list[Settled]) inside the settling transaction: audit, domain effects
    )

    # publishing/tasks.py
    drain = draining.task(LANE)

    # publishing/migrations/0002_rules.py
    operations = delivery_rules("publishing_publication", "publishing_publicationattempt")

    # socialops/schedule.py
    LANES = [..., "publishing.tasks.drain_publish"]

`load`, `settled` and the refusals run in the shift's database threads and may use the ORM; `send` and `look` run in its
event loop and may not touch the database. `send` decides nothing about repeating: it returns, or raises.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.db.models import Expression, Q, Subquery
from django.db.models.functions import Now

from socialops.lib.delivery.models import Attempt, Delivery
from socialops.lib.delivery.pace import Pace


@dataclass(frozen=True)
class Done:
    """It is out. Anything with these attributes will do."""

    remote_id: str = ""
    url: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One step is done; `handle` is committed before the next, which comes `after` seconds later."""

    handle: Mapping[str, Any]
    after: float = 0.0


@dataclass(frozen=True)
class Unclear:
    """A look that proves neither presence nor absence."""

    reason: str


@dataclass(frozen=True)
class Errors:
    """What the exceptions of `send` and `look` mean. Anything not named here: it may be out (unknown).

    Each may carry `reason` (for people), `detail` (for the log), `status`, `request_id`, and `later` ones `after`:
    the seconds the network asks us to wait. A `later` with status 429 does not count as a try.
    """

    refused: tuple[type[Exception], ...] = ()  # nothing was created; the same again will be refused again
    later: tuple[type[Exception], ...] = ()  # nothing was created; the same may work later
    dead: tuple[type[Exception], ...] = ()  # nothing was created; the credential is dead


@dataclass(frozen=True)
class Refusal:
    """Due rows that match are not claimed but moved to `state` (held, blocked or missed) with this reason, for people.

    `when` is a Q or Exists on the lane's model. `stops`: also asked about rows in flight several times a second;
    requests that are open are then aborted (they become unknown), those not begun go back.
    """

    state: str
    reason: str
    when: Any
    stops: bool = False


@dataclass(frozen=True)
class Wait:
    """Due rows that match stay scheduled, until the time that `until` (an expression on the model) gives.

    `probe`: one of them goes first, the others follow when it can be known how it fared.
    """

    when: Any
    until: Expression | Subquery
    probe: bool = False


@dataclass(frozen=True)
class Looking:
    """How absence is proven: `absences` looks that find nothing, the first `settle` seconds (None: the pace's) after.

    Unproven after three looks, a person decides.
    """

    absences: int = 1
    settle: float | None = None


@dataclass(slots=True)
class Settled:
    """One row that has just moved, inside the transaction that moved it. `parcel` is None for a refused or reaped row.

    `after`: the network asked for this many seconds of silence. `infra`: a failure that says the network is unwell
    (True) or that it is well (False); None says nothing.
    """

    id: int
    fence: int
    state: str
    outcome: str | None = None
    reason: str = ""
    remote_id: str = ""
    remote_url: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    parcel: Any = None
    after: float | None = None
    infra: bool | None = None


Load = Callable[[Sequence[int], Any], Mapping[int, Any]]
Send = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Lane:
    """`slots`: shifts at once over all machines. `places`: requests in flight in one shift.

    `load` returns a parcel for each id; an exception in place of a parcel counts as raised by `send`. A row without a
    parcel goes back and is tried again. `revive`: after a `dead` error, once; True sends the row again.
    `late_after`: a row that nobody claimed for so many seconds is looked for before it is sent, because this database
    may be yesterday's (None: never). `order` is the order of claiming. `notice`: how many seconds an idle
    shift needs at most to see what is due from one moment to the next.
    """

    name: str
    model: type[Delivery]
    attempts: type[Attempt]
    load: Load
    send: Send
    errors: Errors = Errors()
    look: Send | None = None
    looking: Callable[[Any], Looking | None] = lambda parcel: Looking()
    refusals: Sequence[Refusal] = ()
    waits: Sequence[Wait] = ()
    settled: Callable[[Sequence[Settled]], None] = lambda rows: None
    revive: Callable[[Any], Awaitable[bool]] | None = None
    client: Callable[[], AbstractAsyncContextManager[Any]] = nullcontext
    slots: int = 1
    places: int = 50
    late_after: float | None = 120.0
    order: tuple[str, ...] = ("next_attempt_at", "id")
    notice: float = Pace.poll

    @cached_property
    def all_refusals(self) -> list[Refusal]:
        """The lane's own, and the one of every lane. What lay unclaimed for long is looked for before it is missed."""
        too_late = Q(not_after__lt=Now()) & ~self.is_late
        return [*self.refusals, Refusal("missed", "Its latest useful time passed before it could be sent.", too_late)]

    @cached_property
    def is_late(self) -> Q:
        if self.late_after is None:
            return Q(pk__isnull=True)
        return Q(next_attempt_at__lt=Now() - timedelta(seconds=self.late_after))

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def attempts_table(self) -> str:
        return self.attempts._meta.db_table

    def plan(self, parcel: Any) -> Looking | None:
        """How this row is looked for; None: it cannot be."""
        return None if self.look is None else self.looking(parcel)
