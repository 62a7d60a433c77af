"""What accounts keeps no longer. Only governance calls it (governance/retaining.py). The trail's events stay
(accounts/redacting.py says what may be erased from them).

Each takes what is older than `before`, at most MOST rows at a time, and returns how many rows of its own went.
"""

from datetime import datetime

from django.db.models import Q

from accounts.models import ApiToken, MailDelivery, WebhookDelivery
from socialops.lib.keeping import Kept

MOST = 5000
FREE = Kept()
OVER = ("done", "failed", "missed", "cancelled")


def purge_webhooks(before: datetime, kept: Kept = FREE) -> int:
    """What was told outside, with its attempts. One that was sent again goes after the one that was sent for it."""
    free = kept.may_go("created_at", people=("endpoint__answerable", "event__actor"))
    over = WebhookDelivery.objects.filter(_ended(before), free, again=None)
    return _delete(over, WebhookDelivery)


def purge_mails(before: datetime, kept: Kept = FREE) -> int:
    free = kept.may_go("created_at", people=("person",))
    return _delete(MailDelivery.objects.filter(_ended(before), free), MailDelivery)


def purge_tokens(before: datetime, kept: Kept = FREE) -> int:
    """Those that open nothing since then. What was done with one names it in the trail."""
    free = kept.may_go("made_at", people=("person",))
    return _delete(ApiToken.objects.filter(Q(ended_at__lt=before) | Q(expires_at__lt=before), free), ApiToken)


def _ended(before: datetime) -> Q:
    return Q(state__in=OVER, created_at__lt=before) & (Q(settled_at=None) | Q(settled_at__lt=before))


def _delete(rows, model) -> int:
    pks = list(rows.order_by("pk").values_list("pk", flat=True)[:MOST])
    return model.objects.filter(pk__in=pks).delete()[1].get(model._meta.label, 0)
