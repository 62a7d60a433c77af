"""Small steps that several tests of the inbox take."""

from django.db.models.functions import Now

from accounts.models import AuditEvent
from inbox.delivering import LANE
from inbox.models import Reply
from tests import shifts
from tests.factories import person, signed_in

TEXT = "We open at nine."
UNDER_WAY = ("scheduled", "sending", "unknown")


def drain() -> None:
    """A shift of the lane, as the worker runs it, until every reply has left or cannot."""
    assert shifts.run(LANE, until=lambda: not Reply.objects.filter(state__in=UNDER_WAY).exists())


def replies_over_there(network):
    """What stands there because somebody sent it."""
    return [each for each in network.arrivals() if each["created"]]


def actions(conversation):
    """Its trail, in order."""
    found = AuditEvent.objects.filter(subject_type="conversation", subject_id=str(conversation.pk))
    return list(found.order_by("pk").values_list("action", flat=True))


def ended(reply, state: str, reason: str = "") -> None:
    """As its lane leaves it in this state; what is unknown has lost the network's answer."""
    rows = Reply.objects.filter(pk=reply.pk)
    if state in ("unknown", "needs_human", "failed"):
        rows.update(state="sending", lease_until=Now(), fence=1)
        outcome = "rejected" if state == "failed" else "unknown"
        reply.attempts.create(fence=1, started_at=Now(), deadline_at=Now(), outcome=outcome)
        rows.update(state="failed" if state == "failed" else "unknown", lease_until=None)
    rows.update(state=state, reason=reason)


def page(who, url="/inbox/", **headers):
    """A page as this person sees it."""
    return signed_in(person(who)).get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})


def text_of(response):
    return response.content.decode()
