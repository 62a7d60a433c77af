"""Reports of accounts that imitate ours, and which registered handles a name looks like. Nothing is asked outside."""

from django.db.models import Exists, Q, QuerySet
from django.http import Http404

from accounts.models import Person, Role, User
from accounts.permissions import has_role, is_present, role_exists
from channels_registry.models import Channel, ImpostorReport
from channels_registry.permissions import SEES_EVERYTHING, channels_with, may_administer
from socialops.lib.lookalikes import same_key, skeleton

TRIAGES = (Role.ADMIN, Role.SOCIAL_LEAD)
OPEN = ("reported", "impostor", "rogue")


def reports_seen(person: Person) -> QuerySet[ImpostorReport]:
    """One's own, those of channels one answers for, all of them by role. No query of its own."""
    managed = channels_with(person, "manage").values("pk")
    near = Q(reported_by=person) | Q(owner=person) | Q(imitates__owner=person) | Q(imitates__backup_owner=person)
    near |= Q(imitates__in=managed) | Q(role_exists(person, *SEES_EVERYTHING))
    here = Person.objects.present().filter(pk=person.pk)
    return ImpostorReport.objects.filter(near, Exists(here)).select_related("imitates", "owner")


def report_for(user: User, pk: int) -> ImpostorReport:
    """Fetching is authorising."""
    rows = reports_seen(user.person).select_related("imitates__owner", "reported_by", "owner", "adopted_as")
    if (found := rows.filter(pk=pk).first()) is None:
        raise Http404("There is no such report, or it is not yours to see.")
    return found


def may_triage(person: Person, report: ImpostorReport) -> bool:
    """By role, as who was given it, or as somebody who answers for what it imitates."""
    channel = report.imitates
    near = report.owner_id == person.pk and is_present(person)
    return near or has_role(person, *TRIAGES) or (channel is not None and may_administer(person, channel))


def look_like(handle: str) -> list[Channel]:
    """The registered channels, on any network, whose handle is read as this one, the riskiest first. One query.

    A handle that is registered letter by letter is one of them: somebody else may hold it on another network.
    """
    bones = skeleton(handle)
    rows = Channel.objects.exclude(state__in=("archived", "impostor")).values_list("pk", "handle")
    alike = [pk for pk, each in rows if skeleton(each) == bones][:20]
    order = {"high": 0, "medium": 1, "low": 2}
    found = Channel.objects.filter(pk__in=alike) if alike else Channel.objects.none()
    return sorted(found, key=lambda each: (order[each.risk_tier], each.name))


def alike_among_ours(limit: int = 20) -> list[list[Channel]]:
    """Registered handles of one network that are read as one another: confusing, or one of them is not ours."""
    groups: dict[tuple[str, str], dict[str, int]] = {}
    rows = Channel.objects.exclude(state="archived").order_by("pk").values_list("pk", "network", "handle")
    for pk, network, handle in rows:
        groups.setdefault((network, skeleton(handle)), {})[same_key(handle)] = pk
    pairs = [list(each.values()) for each in groups.values() if len(each) > 1][:limit]
    channels = Channel.objects.in_bulk([pk for pair in pairs for pk in pair]) if pairs else {}
    return [[channels[pk] for pk in pair] for pair in pairs]
