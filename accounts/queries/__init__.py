"""What is read about people, without changing anything."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Lower, Now
from django.db.models.lookups import LessThanOrEqual
from django.utils import timezone

from accounts.models import (
    ApiToken,
    AuditEvent,
    Departure,
    MailDelivery,
    Notification,
    Person,
    Role,
    RoleAssignment,
    TeamMembership,
    User,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)  # fmt: skip
from accounts.models.api_token import binding
from socialops.lib.delivery.models import State

PAGE = 50
FEW_WEBHOOKS = 25


def another_administrator(person: Person) -> bool:
    """Whether somebody else is administrator and is not about to leave."""
    leaving = Departure.objects.filter(withdrawn_at=None, returned_at=None).values("person")
    others = RoleAssignment.objects.filter(role=Role.ADMIN, ended_at=None).exclude(person=person)
    return others.exclude(person__in=leaving).exists()


def quiet_to(viewer: Person | None) -> QuerySet[Departure]:
    """Quiet departures of which this person does not know: ahead of their minute, or withdrawn before it. None: of
    which somebody does not.
    """
    quiet = Departure.objects.filter(Q(at__gt=Now()) | Q(withdrawn_at__isnull=False), quiet=True)
    if viewer is None:
        return quiet
    told = Departure.confidants.through.objects.filter(departure=OuterRef("pk"), person=viewer)
    return quiet.filter(Q(person=viewer) | (~Q(recorded_by=viewer) & ~Exists(told)))


def audible(events: QuerySet[AuditEvent], viewer: Person | None = None) -> QuerySet[AuditEvent]:
    """Without what is said of departures that are quiet to this person; None: to somebody. For whatever is shown,
    exported or sent of the trail. One query more.
    """
    hidden = [*quiet_to(viewer).values_list("pk", flat=True)]
    return events.exclude(data__has_key="quiet", data__quiet__in=hidden) if hidden else events


def standing_departure(person: Person, viewer: Person | None = None) -> Departure | None:
    """With `has_come`: whether its minute is past, by the database's clock. None, too, for one that is quiet to the
    viewer, if one is named.
    """
    standing = person.departures.filter(withdrawn_at=None, returned_at=None)
    standing = standing.select_related("recorded_by", "person", "key")
    if viewer is not None:
        standing = standing.exclude(pk__in=quiet_to(viewer).values("pk"))
    return standing.annotate(has_come=LessThanOrEqual(F("at"), Now())).first()


@dataclass(frozen=True)
class PeopleFilter:
    """What the address of the list says: words, a role, a team, and who: here, leaving, left."""

    words: str = ""
    role: str = ""
    who: str = "here"
    after: int = 0

    def chosen(self, may_see_departures: bool, viewer: Person | None = None) -> QuerySet[Person]:
        found = Person.objects.departed() if self.who == "left" else Person.objects.present()
        if self.who == "leaving" and may_see_departures:
            found = found.filter(pk__in=_standing(viewer).values("person"))
        if self.role:
            found = found.filter(pk__in=RoleAssignment.objects.filter(role=self.role, ended_at=None).values("person"))
        for word in self.words.split():
            found = found.filter(
                Q(name__icontains=word) | Q(email__icontains=word) | Q(title__icontains=word)
                | Q(memberships__team__name__icontains=word)
            )  # fmt: skip
        return found.distinct()


def _standing(viewer: Person | None) -> QuerySet[Departure]:
    standing = Departure.objects.filter(withdrawn_at=None, returned_at=None)
    return standing.exclude(pk__in=quiet_to(viewer).values("pk"))


def people_page(
    chosen: PeopleFilter, may_see_departures: bool, viewer: Person | None = None
) -> tuple[list[Person], int]:
    """One page of people by name, and the id to go on after (0: that is all). Four queries."""
    people = chosen.chosen(may_see_departures, viewer).annotate(sort=Lower("name")).order_by("sort", "pk")
    last = Person.objects.filter(pk=chosen.after).annotate(sort=Lower("name")).values("sort").first()
    if last:
        people = people.filter(Q(sort__gt=last["sort"]) | Q(sort=last["sort"], pk__gt=chosen.after))
    page = list(
        people.annotate(has_login=Exists(User.objects.filter(person=OuterRef("pk"), is_active=True))).prefetch_related(
            Prefetch("roles", RoleAssignment.objects.filter(ended_at=None), to_attr="live_roles"),
            Prefetch("memberships", TeamMembership.objects.select_related("team")),
            Prefetch("departures", _standing(viewer), to_attr="standing"),
        )[: PAGE + 1]
    )
    return page[:PAGE], page[PAGE - 1].pk if len(page) > PAGE else 0


@dataclass(frozen=True)
class TrailFilter:
    """What the address of the trail says. Days are the reader's."""

    action: str = ""
    who: str = ""
    person: int = 0
    subject: str = ""
    first: date | None = None
    last: date | None = None
    before: int = 0
    viewer: Person | None = None

    def events(self) -> QuerySet[AuditEvent]:
        found = audible(AuditEvent.objects.select_related("seal").order_by("-pk"), self.viewer)
        if self.action:
            found = found.filter(action=self.action)
        if self.who:
            found = found.filter(actor_label__icontains=self.who)
        if self.person:
            found = found.filter(Q(actor=self.person) | Q(subject_type="person", subject_id=str(self.person)))
        if self.subject:
            found = found.filter(subject_label__icontains=self.subject)
        if self.first:
            found = found.filter(at__gte=_start(self.first))
        if self.last and self.last < date.max:
            found = found.filter(at__lt=_start(self.last + timedelta(days=1)))
        return found.filter(pk__lt=self.before) if self.before else found


def trail_page(chosen: TrailFilter) -> tuple[list[AuditEvent], int]:
    """One page of the trail, newest first, and the id to go on before (0: that is all). Two queries."""
    page = list(chosen.events()[: PAGE + 1])
    return page[:PAGE], page[PAGE - 1].pk if len(page) > PAGE else 0


def trail_of(person: Person, viewer: Person | None = None, limit: int = 10) -> list[AuditEvent]:
    found = AuditEvent.objects.filter(subject_type="person", subject_id=str(person.pk)).order_by("-pk")
    return list(audible(found, viewer)[:limit])


def _start(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def login_of(person: Person) -> User | None:
    return User.objects.filter(person=person).first()


def notifications(person: Person, before: int = 0) -> list[Notification]:
    """One page and one more, newest first."""
    found = Notification.objects.filter(person=person).order_by("-pk")
    return list((found.filter(pk__lt=before) if before else found)[: PAGE + 1])


def endpoints() -> list[WebhookEndpoint]:
    """Those there are, each with `waiting`, how many wait or are on their way, and `departed`, for its answerable."""
    under_way = WebhookDelivery.objects.filter(
        endpoint=OuterRef("pk"), state__in=(State.HELD, State.SCHEDULED, State.SENDING, State.UNKNOWN, State.BLOCKED)
    )
    counted = under_way.order_by().values("endpoint").annotate(count=Count("*")).values("count")
    gone = Person.objects.departed().filter(pk=OuterRef("answerable"))
    found = WebhookEndpoint.objects.filter(ended_at=None).defer("sealed_secret", "sealed_old_secret")
    found = found.select_related("answerable").annotate(waiting=Coalesce(Subquery(counted), 0), departed=Exists(gone))
    return list(found.order_by("description", "pk"))


def webhooks_to(endpoint: WebhookEndpoint, before: int = 0) -> list[WebhookDelivery]:
    """One page and one more, newest first, each with its `tries_made`, the last attempt first."""
    found = endpoint.deliveries.order_by("-pk")
    found = found.filter(pk__lt=before) if before else found
    tries = Prefetch("attempts", WebhookAttempt.objects.order_by("-fence"), to_attr="tries_made")
    return list(found.prefetch_related(tries)[: FEW_WEBHOOKS + 1])


def troubled_mails() -> QuerySet[MailDelivery]:
    states = (State.NEEDS_HUMAN, State.FAILED, State.MISSED, State.BLOCKED)
    return MailDelivery.objects.filter(state__in=states).select_related("person").order_by("-pk")


@dataclass(frozen=True)
class TokenRow:
    """`state` is why it opens nothing any more, "" while it does."""

    token: ApiToken
    state: str


def token_page(person: Person | None = None, before: int = 0) -> tuple[list[TokenRow], int]:
    """This person's tokens, or everybody's: the latest that were made before this one, of each page those that are good
    first, with where the next page begins (0 at the end). One query.
    """
    found = ApiToken.objects.select_related("person__user", "ended_by").order_by("-pk")
    found = found.filter(person=person) if person else found
    tokens = list((found.filter(pk__lt=before) if before else found)[: MOST_TOKENS + 1])
    rows = sorted((TokenRow(each, _state(each)) for each in tokens[:MOST_TOKENS]), key=lambda row: bool(row.state))
    return rows, tokens[MOST_TOKENS - 1].pk if len(tokens) > MOST_TOKENS else 0


MOST_TOKENS = 200  # on a page


def _state(token: ApiToken) -> str:
    if token.ended_at:
        return f"Ended by {token.ended_by}" if token.ended_by and token.ended_by != token.person else "Ended"
    if token.expires_at <= timezone.now():
        return "Expired"
    return "" if token.bound_to == binding(token.person.user) else "Ended by a new password"
