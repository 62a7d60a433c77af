"""Shared logins and tools: what is on record, who has it, and what is due."""

from datetime import timedelta

from django.db.models import Count, DateTimeField, Exists, ExpressionWrapper, F, OuterRef, Prefetch, Q, QuerySet
from django.db.models.functions import Now

from accounts.models import Person, Role
from accounts.permissions import role_exists
from channels_registry.models import AccessGrant, Channel, Revocation, Rotation, SharedLogin, Tool
from channels_registry.permissions import SEES_EVERYTHING, channels_with, seen_by

DUE = ExpressionWrapper(F("rotated_at") + F("rotate_every") * timedelta(days=1), output_field=DateTimeField())
SHOWN = 50


def logins() -> QuerySet[SharedLogin]:
    """Those in use, each with `due_at`, `leaving` (somebody is to know it no longer) and `people` who know it."""
    asked = Revocation.objects.exclude(state="cancelled").exclude(stage__in=["verified", "revoked"])
    return (
        SharedLogin.objects.filter(retired_at=None)
        .select_related("owner")
        .annotate(
            due_at=DUE,
            leaving=Exists(asked.filter(grant__login=OuterRef("pk"))),
            people=Count("grants__person", filter=Q(grants__revoked_at=None), distinct=True),
        )
        .order_by("name", "pk")
    )


def logins_seen_by(person: Person) -> QuerySet[SharedLogin]:
    """Those that open a channel which this person sees, or that they own."""
    return logins().filter(Q(owner=person) | role_exists(person, *SEES_EVERYTHING) | Exists(_seen(SharedLogin, person)))


def tools_seen_by(person: Person) -> QuerySet[Tool]:
    return tools().filter(Q(owner=person) | role_exists(person, *SEES_EVERYTHING) | Exists(_seen(Tool, person)))


def tools() -> QuerySet[Tool]:
    """Those in use, each with `people` who have a seat and `channels` that it reaches."""
    people = Count("grants__person", filter=Q(grants__revoked_at=None), distinct=True)
    return (
        Tool.objects.filter(retired_at=None)
        .select_related("owner")
        .annotate(people=people, channels=Count("reaches", distinct=True))
        .order_by("name", "pk")
    )


def holders(of: SharedLogin | Tool) -> list[AccessGrant]:
    """One row a person who has it, with `asked`: its revocation, if one is under way. Two queries."""
    asked = Prefetch("revocations", Revocation.objects.exclude(state="cancelled").order_by("-pk"), to_attr="asked")
    rows = of.grants.filter(revoked_at=None).select_related("person", "granted_by").order_by("person__name", "pk")
    return list({row.person_id: row for row in rows.prefetch_related(asked)}.values())


def rotations(login: SharedLogin) -> list[Rotation]:
    return list(login.rotations.select_related("done_by", "confirmed_by", "contested_by").order_by("-done_at")[:20])


def rotations_due(person: Person) -> QuerySet[SharedLogin]:
    """Logins whose secret this person has to change: somebody goes, or its days are over within the week."""
    asked = Revocation.objects.exclude(state="cancelled").exclude(stage__in=["verified", "revoked"])
    leaving = Exists(asked.filter(grant__login=OuterRef("pk")))
    mine = SharedLogin.objects.filter(owner=person, retired_at=None).annotate(due_at=DUE)
    return mine.filter(Q(leaving) | Q(due_at__lte=Now() + timedelta(days=7)))


def keepable(person: Person) -> QuerySet[Channel]:
    """The channels of which this person may put doors on record, by name."""
    managed = Q(pk__in=channels_with(person, "manage").values("pk"))
    return Channel.objects.exclude(state="archived").filter(role_exists(person, Role.ADMIN) | managed).order_by("name")


def _seen(model: type[SharedLogin] | type[Tool], person: Person) -> QuerySet:
    through = model.reaches.through
    name = model._meta.model_name
    return through.objects.filter(**{f"{name}": OuterRef("pk")}, channel__in=seen_by(person).values("pk"))
