"""The calendar by a private link, for programs that read iCalendar. Whoever has the link reads what its person may see.

Nobody is signed in by it. It opens nothing from the minute on at which they leave or lose what it was for, get a new
password, or have all their sessions ended.
"""

import secrets
from datetime import timedelta
from hashlib import sha256

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.urls import reverse

from accounts import notifying
from accounts.audit import record, register
from accounts.models import Person, Role, User
from accounts.models.api_token import binding
from accounts.permissions import has_role, is_present
from channels_registry.permissions import seen_by
from publishing import queries
from publishing.models import CalendarFeed
from publishing.queries import feeds
from publishing.queries.calendar import Filters
from socialops.lib.tokens import digest

HOUR, MOST_AN_HOUR, MOST_OF_ONE = timedelta(hours=1), 120, 20

register("feed.made", "made a private link to the calendar")
register("feed.ended", "ended a private link to the calendar")


class TooOften(Exception):
    """This link was read as often as it may be for an hour."""


@transaction.atomic
def make_feed(by: Person, name: str, filters: Filters, whole_text: bool = False) -> tuple[CalendarFeed, str]:
    """The feed, and its link, which nobody can read again."""
    Person.objects.select_for_update().get(pk=by.pk)
    user, name = User.objects.filter(person=by, is_active=True).first(), " ".join(name.split())
    if user is None or not is_present(by):
        raise PermissionDenied("Only who may sign in can do this.")
    if not name:
        raise ValidationError({"name": "Give it a name. It is how you tell your links apart."})
    if links_of(by).count() >= MOST_OF_ONE:
        raise ValidationError(f"You have {MOST_OF_ONE} links. End one that is not read any more first.")
    if filters.channel and not seen_by(by).filter(pk=filters.channel).exists():
        raise ValidationError("You do not see this channel. Narrow the calendar to another one.")
    token = secrets.token_urlsafe(24)
    feed = CalendarFeed.objects.create(
        person=by, name=name, token_hash=digest(token), filters=filters.said, whole_text=whole_text,
        bound_to=binding(user),
    )  # fmt: skip
    record(by, "feed.made", feed, filters=feed.filters, whole_text=whole_text)
    return feed, settings.BASE_URL + reverse("feed", args=[token])


def links_of(person: Person) -> QuerySet[CalendarFeed]:
    """Those that open something. One query for how they sign in."""
    user = User.objects.filter(person=person).first()
    return person.calendar_feeds.filter(ended_at=None, bound_to=binding(user) if user else "-")


@transaction.atomic
def end_feed(feed: CalendarFeed, by: Person) -> CalendarFeed:
    """Its link opens nothing any more: by its person, or an administrator, of whom they are told."""
    if feed.person_id != by.pk and not has_role(by, Role.ADMIN):
        raise PermissionDenied("Only its person, or an administrator, ends a link. It stops by itself when they leave.")
    if not CalendarFeed.objects.filter(pk=feed.pk, ended_at=None).update(ended_at=Now()):
        raise ValidationError("This link was ended already.")
    feed.refresh_from_db()
    record(by, "feed.ended", feed, person=feed.person_id)
    if feed.person_id != by.pk:
        words = f"{by} ended your private link to the calendar “{feed.name}”."
        notifying.notify(feed.person, "feed.ended", words, reverse("feed_list"), mail=True)
    return feed


@transaction.atomic
def read(token: str) -> tuple[CalendarFeed, bytes] | None:
    """The feed of a link and what it says now; None if it opens nothing. Raises TooOften."""
    feed = _standing(token)
    if feed is None:
        return None
    now = queries.now()
    row = CalendarFeed.objects.filter(pk=feed.pk)
    row.filter(reads_since__lt=now - HOUR).update(reads=0, reads_since=now)
    if not row.filter(reads__lt=MOST_AN_HOUR).update(reads=F("reads") + 1, read_at=now):
        raise TooOften
    document = feeds.document(feed, now)
    tag = sha256(document).hexdigest()
    if tag != feed.tag:
        feed.tag, feed.changed_at = tag, now
        feed.save(update_fields=["tag", "changed_at"])
    return feed, document


def _standing(token: str) -> CalendarFeed | None:
    """One whose person is here, may sign in as they did when they made it, and sees what it is for."""
    found = CalendarFeed.objects.select_related("person__user").filter(token_hash=digest(token), ended_at=None)
    feed = found.filter(person__in=Person.objects.present(), person__user__is_active=True).first()
    if feed is None or feed.bound_to != binding(feed.person.user):
        return None
    seen = seen_by(feed.person)
    channel = feed.filters.get("channel")
    return feed if (seen.filter(pk=channel) if channel else seen).exists() else None
