"""Endpoints of webhooks: who is told what, where, and who answers for it. Administrators arrange them.

Whoever answers for one is told no more by it than they may see here, asked when an event is laid out for it and again
when it is sent. When they leave, it stands still from that minute on, until somebody is named who takes it over.
"""

import base64
import secrets
from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from yarl import URL

from accounts import audit
from accounts.announcing import FAMILIES, KEEP, PLACES, latest_seal, payload, release
from accounts.models import Person, Role, WebhookDelivery, WebhookEndpoint
from accounts.notifying import notify
from accounts.permissions import is_present, people_with_role, require_role
from accounts.sealing import rewrap_endpoint_secret, seal_endpoint_secret
from socialops.lib.delivery.late import refuse_late_answer
from socialops.lib.fetch import Blocked, checked_url
from socialops.lib.wall_clock import database_now

OVERLAP = timedelta(hours=24)  # in which the old secret signs as well
FAILED_FOR = timedelta(days=3)
MOST = 50
TEST = "socialops.test"

audit.register("webhook.added", "added an endpoint for webhooks")
audit.register("webhook.changed", "changed an endpoint for webhooks")
audit.register("webhook.secret_renewed", "gave an endpoint for webhooks a new secret")
audit.register("webhook.paused", "paused an endpoint for webhooks")
audit.register("webhook.resumed", "let an endpoint for webhooks go on")
audit.register("webhook.adopted", "took over an endpoint for webhooks")
audit.register("webhook.removed", "took an endpoint for webhooks away")
audit.register("webhook.tested", "sent a test to an endpoint for webhooks")
audit.register("webhook.sent_again", "had a webhook sent again")


@transaction.atomic
def add_endpoint(
    by: Person, url: str, events: Collection[str], description: str, channels: Collection[int] = (),
    answerable: Person | None = None,
) -> tuple[WebhookEndpoint, str]:  # fmt: skip
    """The endpoint and its secret, which is never shown again. It is told what happens from now on."""
    require_role(by, Role.ADMIN)
    if WebhookEndpoint.objects.filter(ended_at=None).count() >= MOST:
        raise ValidationError(f"There are {MOST} endpoints already. Take one away first.")
    made = WebhookEndpoint(created_by=by, answerable=answerable or by, seq=latest_seal(), since=database_now())
    _say(made, {"url": url, "events": events, "description": description, "channels": channels})
    _check_answerable(made.answerable)
    made.save()
    secret = _new_secret()
    made.sealed_secret = seal_endpoint_secret(made, secret)
    made.save(update_fields=["sealed_secret"])
    audit.record(by, "webhook.added", made, url=_told(made.url), events=made.events, channels=made.channels,
                 answerable=made.answerable_id)  # fmt: skip
    return made, secret


@transaction.atomic
def change_endpoint(endpoint: WebhookEndpoint, by: Person, **said) -> WebhookEndpoint:
    """url, events, description, channels. What waits already goes to the new address."""
    endpoint = _mine(endpoint, by)
    was = {name: getattr(endpoint, name) for name in said}
    _say(endpoint, said)
    changed = {name: getattr(endpoint, name) for name in said if was[name] != getattr(endpoint, name)}
    if changed:
        endpoint.save(update_fields=list(changed))
        before = {name: was[name] for name in changed}
        audit.record(by, "webhook.changed", endpoint, changed=_trail(changed), was=_trail(before))
    return endpoint


@transaction.atomic
def renew_secret(endpoint: WebhookEndpoint, by: Person) -> tuple[WebhookEndpoint, str]:
    """Both sign for a day, so that the receiver can change over without missing anything."""
    endpoint, secret = _mine(endpoint, by), _new_secret()
    endpoint.sealed_old_secret, endpoint.old_secret_until = endpoint.sealed_secret, database_now() + OVERLAP
    endpoint.sealed_secret = seal_endpoint_secret(endpoint, secret)
    endpoint.save(update_fields=["sealed_secret", "sealed_old_secret", "old_secret_until"])
    _unblock(endpoint)
    audit.record(by, "webhook.secret_renewed", endpoint, until=endpoint.old_secret_until.isoformat())
    return endpoint, secret


def signing_secrets(endpoint: WebhookEndpoint) -> list[bytes]:
    """As they are sealed: the present one, and for a while the one before."""
    until = endpoint.old_secret_until
    old = [endpoint.sealed_old_secret] if until and until > database_now() else []
    return [bytes(each) for each in (endpoint.sealed_secret, *old)]


@transaction.atomic
def pause(endpoint: WebhookEndpoint, by: Person) -> WebhookEndpoint:
    endpoint = _mine(endpoint, by)
    if endpoint.paused_at is not None:
        raise ValidationError("It is paused already.")
    return _pause(endpoint, by, "")


@transaction.atomic
def resume(endpoint: WebhookEndpoint, by: Person, catch_up: bool = False) -> WebhookEndpoint:
    """With `catch_up` it is also told what happened meanwhile, as far as that is worth telling (announcing.KEEP)."""
    endpoint = _mine(endpoint, by)
    if endpoint.paused_at is None:
        raise ValidationError("It is not paused.")
    endpoint.paused_at, endpoint.paused_by, endpoint.paused_why = None, None, ""
    endpoint.failures, endpoint.failing_since, endpoint.resting_until = 0, None, None
    if not catch_up:
        endpoint.seq, endpoint.since = latest_seal(), database_now()
    endpoint.save()
    audit.record(by, "webhook.resumed", endpoint, catch_up=catch_up)
    release([endpoint.pk])
    return endpoint


@transaction.atomic
def adopt(endpoint: WebhookEndpoint, by: Person, person: Person | None = None) -> WebhookEndpoint:
    """Somebody else answers for it from now on: `person`, or whoever asks. What stood still goes on."""
    endpoint, was = _mine(endpoint, by), endpoint.answerable_id
    endpoint.answerable = person or by
    _check_answerable(endpoint.answerable)
    endpoint.save(update_fields=["answerable"])
    _unblock(endpoint)
    audit.record(by, "webhook.adopted", endpoint, was=was, answerable=endpoint.answerable_id)
    release([endpoint.pk])
    return endpoint


@transaction.atomic
def remove(endpoint: WebhookEndpoint, by: Person) -> None:
    """What waits is dropped; what was sent stays on record."""
    endpoint = _mine(endpoint, by)
    endpoint.ended_at, endpoint.ended_by = database_now(), by
    endpoint.save(update_fields=["ended_at", "ended_by"])
    waiting = endpoint.deliveries.filter(state__in=("held", "scheduled", "blocked"))
    dropped = waiting.update(state="cancelled", reason="The endpoint was removed.")
    audit.record(by, "webhook.removed", endpoint, dropped=dropped)


@transaction.atomic
def send_test(endpoint: WebhookEndpoint, by: Person) -> WebhookDelivery:
    """A small event of the kind “socialops.test”, signed and sent like every other."""
    endpoint, now = _mine(endpoint, by), database_now()
    if endpoint.paused_at is not None:
        raise ValidationError("It is paused. Let it go on first.")
    body = payload(TEST, now, {"by": {"id": by.pk, "name": str(by)}, "endpoint": endpoint.description})
    made = WebhookDelivery.objects.create(
        endpoint=endpoint, action=TEST, body=body, state="held", due_at=now, next_attempt_at=now, not_after=now + KEEP
    )
    audit.record(by, "webhook.tested", endpoint)
    _go_now(made)
    return made


@transaction.atomic
def send_again(delivery: WebhookDelivery, by: Person) -> WebhookDelivery:
    """What did not arrive goes out under its own id. What did is told anew under another: its receiver would pass over
    the same."""
    delivery = WebhookDelivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
    endpoint = _mine(delivery.endpoint, by)  # locked after its delivery, as a lane does that settles
    now = database_now()
    if delivery.state in ("done", "cancelled"):
        delivery = WebhookDelivery.objects.create(
            endpoint=endpoint, event=delivery.event, action=delivery.action, channels=delivery.channels, state="held",
            body=delivery.body, again_of=delivery, due_at=now, next_attempt_at=now, not_after=now + KEEP,
        )  # fmt: skip
    elif delivery.state in ("failed", "missed", "blocked"):
        refuse_late_answer(delivery)
    else:
        raise ValidationError("It is on its way already.")
    audit.record(by, "webhook.sent_again", endpoint, delivery=delivery.pk)
    _go_now(delivery)
    return delivery


@transaction.atomic
def pause_by_itself(pk: int, why: str) -> None:
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=pk)
    if endpoint.paused_at is None and endpoint.ended_at is None:
        _pause(endpoint, None, why)
        _tell(endpoint, f"Webhooks to “{endpoint}” are paused. {why}")


def pause_if_it_failed_for_days(pk: int) -> None:
    since = WebhookEndpoint.objects.values_list("failing_since", flat=True).get(pk=pk)
    if since is not None and since < database_now() - FAILED_FOR:
        pause_by_itself(pk, f"Nothing has arrived there for {FAILED_FOR.days} days.")


def tell_of_a_stop(pk: int, reason: str) -> None:
    endpoint = WebhookEndpoint.objects.get(pk=pk)
    _tell(endpoint, f"Webhooks to “{endpoint}” are stopped. {reason}")


def rewrap_secrets() -> tuple[int, int]:
    """All secrets under the newest key of webhooks (manage.py sealing_keys rotate). Returns how many, of how many."""
    rows = list(WebhookEndpoint.objects.order_by("pk").values_list("pk", flat=True))
    for pk in rows:
        with transaction.atomic():
            endpoint = WebhookEndpoint.objects.select_for_update().get(pk=pk)
            for name in ("sealed_secret", "sealed_old_secret"):
                if sealed := getattr(endpoint, name):
                    setattr(endpoint, name, rewrap_endpoint_secret(endpoint, sealed))
            endpoint.save(update_fields=["sealed_secret", "sealed_old_secret"])
    return len(rows), len(rows)


def _mine(endpoint: WebhookEndpoint, by: Person) -> WebhookEndpoint:
    require_role(by, Role.ADMIN)
    found = WebhookEndpoint.objects.select_for_update(of=("self",)).select_related("answerable").get(pk=endpoint.pk)
    if found.ended_at is not None:
        raise ValidationError("This endpoint was removed.")
    return found


def _say(endpoint: WebhookEndpoint, said: dict) -> None:
    """What may be said of it, checked. `channels` only where its answerable person sees them."""
    for name, value in said.items():
        plain = value.strip() if isinstance(value, str) else list(dict.fromkeys(value))
        setattr(endpoint, name, plain)
    if not endpoint.description:
        raise ValidationError({"description": "Say what it is for."})
    try:
        checked_url(endpoint.url, allow=settings.PRIVATE_HOSTS)
    except Blocked as error:
        raise ValidationError({"url": error.reason}) from error
    known = {*FAMILIES, *audit.LABELS}
    if not endpoint.events or set(endpoint.events) - known:
        raise ValidationError({"events": "Choose at least one of the events there are."})
    if set(endpoint.channels) - set(PLACES.seen_by(endpoint.answerable).values_list("pk", flat=True)):
        raise ValidationError({"channels": f"{endpoint.answerable} does not see all of these channels."})


def _trail(said: dict) -> dict:
    return {name: _told(value) if name == "url" else value for name, value in said.items()}


def _told(url: str) -> str:
    """Where it goes, for the trail. In many services whoever knows the whole address may write there."""
    return str(URL(url).origin())


def _check_answerable(person: Person) -> None:
    if not is_present(person):
        raise ValidationError({"answerable": f"{person} has left. Name somebody who is here."})


def _pause(endpoint: WebhookEndpoint, by: Person | None, why: str) -> WebhookEndpoint:
    endpoint.paused_at, endpoint.paused_by, endpoint.paused_why = database_now(), by, why[:300]
    endpoint.save(update_fields=["paused_at", "paused_by", "paused_why"])
    audit.record(by, "webhook.paused", endpoint, why=why)
    return endpoint


def _unblock(endpoint: WebhookEndpoint) -> None:
    """What was stopped over the one who answered for it, or its secret, is tried again."""
    rows = endpoint.deliveries.filter(state="blocked")
    rows.update(state="scheduled", reason="", tries=0, next_attempt_at=Now())


def _go_now(delivery: WebhookDelivery) -> None:
    """Past those that wait: a person stands in front of it."""
    rows = WebhookDelivery.objects.filter(pk=delivery.pk)
    rows.update(state="scheduled", reason="", tries=0, next_attempt_at=Now(), not_after=database_now() + KEEP)
    delivery.refresh_from_db()


def _tell(endpoint: WebhookEndpoint, text: str) -> None:
    """Whoever answers for it; where they are gone, the administrators."""
    url = f"/endpoints/{endpoint.pk}/"
    who = [endpoint.answerable] if is_present(endpoint.answerable) else people_with_role(Role.ADMIN)
    for person in who:
        notify(person, "webhook.trouble", text[:300], url, mail=True)


def _new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
