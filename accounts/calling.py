"""The lane of webhooks: signed as Standard Webhooks has it, sent to addresses that somebody else chose.

At least once. A receiver knows by the webhook-id what it has had before, so what may have arrived is sent again: `look`
finds nothing and by that allows it, and an attempt that timed out is settled as not_sent. No other lane may do so.

Each endpoint has a few places of its own: what waits behind them is held, and let go by announcing.release as they
become free, so one that hangs with ten thousand waiting takes no more places than one that hangs with ten.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self

import aiohttp
from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from standardwebhooks import Webhook

from accounts import announcing, subscribing
from accounts.models import Person, Role, RoleAssignment, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from accounts.sealing import open_endpoint_secret
from socialops.lib.delivery.lane import Done, Errors, Lane, Looking, Refusal, Settled
from socialops.lib.delivery.late import CAME_LATE
from socialops.lib.fetch import Blocked, GuardedResolver, checked_url
from socialops.lib.sealing import CannotOpen

PLACES = 100  # requests at once; of one endpoint announcing.EACH
PATIENCE, BODY_PATIENCE, CONNECT_PATIENCE = 15.0, 2.0, 5.0  # seconds for an answer, then for its body
KEPT = 2000  # bytes of an answer
WAITS = (5, 60, 600, 3600, 4 * 3600)  # seconds before another try, beside the lane's own; then it has failed
LEAST_SILENCE, LONGEST_SILENCE = 30.0, 6 * 3600.0  # after “slow down”
GONE, SLOW_DOWN = 410, (429, 503)
GONE_WORDS = "It answered 410: it wants nothing more."


@dataclass(eq=False)
class CallError(Exception):
    """`reason` is for people; `detail` is what the endpoint said; `after`: seconds until another try."""

    reason: str
    detail: str = ""
    status: int | None = None
    after: float | None = None


class Refused(CallError):
    """It will not be taken, however often it is sent."""


class Later(CallError):
    """It was not taken, or nobody knows: the same again, under the same id."""


class CannotSign(CallError):
    """Its secret cannot be opened here."""


@dataclass(slots=True)
class Parcel:
    """`gone`: the endpoint says that nothing is to come any more; `silence`: for how many seconds it asks for none."""

    url: str
    key: str
    body: str
    secrets: list[str]
    tries: int
    session: aiohttp.ClientSession | None
    gone: bool = False
    silence: float = 0.0


class Calls:
    """`async with Calls() as calls`: one session a shift, for addresses that have been looked at twice."""

    session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        resolver = GuardedResolver(allow=settings.PRIVATE_HOSTS)
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=PLACES, limit_per_host=2 * announcing.EACH, resolver=resolver),
            timeout=aiohttp.ClientTimeout(total=PATIENCE * settings.PACE, sock_connect=CONNECT_PATIENCE),
            cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, headers={"User-Agent": "Socialops/0.1"},
        )  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.session is not None:
            await self.session.close()


def load(ids: Sequence[int], calls: Calls) -> Mapping[int, Parcel | CallError]:
    rows = WebhookDelivery.objects.filter(pk__in=ids).select_related("endpoint")
    return {row.pk: _parcel(row, calls) for row in rows}


async def send(parcel: Parcel) -> Done:
    """Raises Later for everything but a success and 410: no answer here means that it must not be sent again."""
    if parcel.session is None:
        raise Later("There is no connection to send it by.")
    try:
        url = checked_url(parcel.url, allow=settings.PRIVATE_HOSTS)
        async with parcel.session.post(
            url, data=parcel.body.encode(), headers=signed(parcel), allow_redirects=False
        ) as answer:
            said = await _beginning(answer)
            return _judged(parcel, answer, said)
    except Blocked as error:
        raise Refused(error.reason, "blocked address") from error
    except TimeoutError as error:
        raise _later(parcel, f"It did not answer within {PATIENCE:.0f} seconds.") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _later(parcel, "It could not be reached.", repr(error)) from error


async def look(parcel: Parcel) -> None:
    """Nothing to look for: its worker is gone, and sending it again does no harm."""
    return


def signed(parcel: Parcel, at: datetime | None = None) -> dict[str, str]:
    """The headers of Standard Webhooks; with two secrets, two signatures."""
    at = at or datetime.now(UTC)
    signatures = [Webhook(secret).sign(parcel.key, at, parcel.body) for secret in parcel.secrets]
    return {
        "Content-Type": "application/json",
        "webhook-id": parcel.key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def settled(rows: Sequence[Settled]) -> None:
    """How each endpoint does, and what may go there next. One that is gone, or failed for days, is paused."""
    of = dict(WebhookDelivery.objects.filter(pk__in=[row.id for row in rows]).values_list("pk", "endpoint"))
    for pk in sorted(set(of.values())):
        _note(pk, [row for row in rows if of.get(row.id) == pk])
    arrived = [row.id for row in rows if row.reason == CAME_LATE]  # nobody has to look: it is known to have it
    WebhookDelivery.objects.filter(pk__in=arrived).update(state="done", reason="", settled_at=Now())
    announcing.release(of.values())


def _parcel(row: WebhookDelivery, calls: Calls | None) -> Parcel | CallError:
    endpoint = row.endpoint
    try:
        secrets = [open_endpoint_secret(endpoint, sealed) for sealed in subscribing.signing_secrets(endpoint)]
    except CannotOpen as error:
        return CannotSign("What signs its webhooks cannot be opened here. Give it a new secret.", str(error))
    session = calls.session if calls else None
    return Parcel(endpoint.url, str(row.key), row.body, secrets, row.tries, session)


def _judged(parcel: Parcel, answer: aiohttp.ClientResponse, said: str) -> Done:
    status = answer.status
    if 200 <= status < 300:
        return Done(evidence={"detail": f"{status} {said}".strip()})
    if status == GONE:
        parcel.gone = True
        raise Refused(GONE_WORDS, said, status)
    if 300 <= status < 400:
        raise _later(parcel, f"It answered {status}: another address, which is not followed.", said, status)
    if status in SLOW_DOWN:
        parcel.silence = _silence(parcel, answer)
        raise Later(f"It answered {status}: slow down.", said, status, parcel.silence)
    raise _later(parcel, f"It answered {status}.", said, status)


def _silence(parcel: Parcel, answer: aiohttp.ClientResponse) -> float:
    """Seconds, as its Retry-After has it (a number or a date), within reason."""
    said, now = answer.headers.get("Retry-After", ""), datetime.now(UTC).timestamp()
    try:
        asked = float(said) if said.isdecimal() else parsedate_to_datetime(said).timestamp() - now
    except (ValueError, OverflowError):
        asked = 0.0
    return min(max(asked, LEAST_SILENCE, _wait(parcel)), LONGEST_SILENCE) * settings.PACE


def _later(parcel: Parcel, reason: str, said: str = "", status: int | None = None) -> Later:
    return Later(reason, said, status, _wait(parcel) * settings.PACE)


def _wait(parcel: Parcel) -> float:
    return WAITS[min(parcel.tries, len(WAITS) - 1)]


async def _beginning(answer: aiohttp.ClientResponse) -> str:
    """The first bytes of what it said. Whoever says it slowly is heard no longer than a moment."""
    said = b""
    try:
        async with asyncio.timeout(BODY_PATIENCE * settings.PACE):
            async for chunk in answer.content.iter_any():
                said += chunk
                if len(said) >= KEPT:
                    break
    except (TimeoutError, aiohttp.ClientError):
        pass  # its status is its answer
    answer.close()
    return said[:KEPT].decode("utf-8", "replace")


def _note(pk: int, rows: Sequence[Settled]) -> None:
    parcels = [row.parcel for row in rows if isinstance(row.parcel, Parcel)]
    stopped = [row.reason for row in rows if row.state == "blocked" and row.reason != CAME_LATE]
    if stopped:
        subscribing.tell_of_a_stop(pk, stopped[0])
    if any(row.state == "done" for row in rows):
        _note_success(pk)
    elif any(row.infra or row.after for row in rows):
        _note_failure(pk, max((parcel.silence for parcel in parcels), default=0))
    if any(parcel.gone for parcel in parcels):
        subscribing.pause_by_itself(pk, GONE_WORDS)


def _note_success(pk: int) -> None:
    fresh = {"failures": 0, "failing_since": None, "resting_until": None, "last_success_at": Now()}
    WebhookEndpoint.objects.filter(pk=pk).update(**fresh)


def _note_failure(pk: int, silence: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FAILED, [silence, settings.PACE, pk])
    subscribing.pause_if_it_failed_for_days(pk)


def _refusals() -> list[Refusal]:
    """channels_registry adds what the answerable person may not see any more."""
    there = RoleAssignment.objects.filter(person=OuterRef("endpoint__answerable"), ended_at=None)
    reads_all = Exists(there.filter(role__in=(Role.ADMIN, Role.AUDITOR)))
    departed = Q(endpoint__answerable__in=Person.objects.departed().values("pk"))
    return [
        Refusal("blocked", "The endpoint was taken away.", Q(endpoint__ended_at__isnull=False), stops=True),
        Refusal("blocked", "The person who answers for the endpoint has left. Somebody has to take it over.", departed,
                stops=True),
        Refusal("held", "The endpoint is paused.", Q(endpoint__paused_at__isnull=False), stops=True),
        Refusal("blocked", UNSEEN, Q(event__isnull=False, channels=[]) & ~Q(reads_all)),
    ]  # fmt: skip


UNSEEN = "The person who answers for the endpoint may not see this any more."
REFUSALS = _refusals()
_FAILED = """
UPDATE accounts_webhookendpoint SET failures = failures + 1,
    failing_since = coalesce(failing_since, statement_timestamp()),
    resting_until = statement_timestamp() +
        greatest(%s, least(300, 5 * 2 ^ least(failures, 10)) * %s) * interval '1 second'
WHERE id = %s
"""
LANE = Lane(
    name="webhook",
    model=WebhookDelivery,
    attempts=WebhookAttempt,
    load=load,
    send=send,
    errors=Errors(refused=(Refused,), later=(Later,), dead=(CannotSign,)),
    look=look,
    looking=lambda parcel: Looking(),
    refusals=REFUSALS,
    client=Calls,
    settled=settled,
    places=PLACES,
    late_after=None,
)
