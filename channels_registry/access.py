"""Who gets in: the only code that writes grants and guardian's rows, both in one transaction with the trail.

grant     a right here, or a door elsewhere that somebody declares
revoke    a right here; doors elsewhere are shut and proven by channels_registry.revoking
end       stamps a grant as over, for revoking and observing
level     repairs guardian's rows from the ledger: logins made later, grants that ran out
"""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Case, Exists, F, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, Greatest, Now

from accounts import audit
from accounts.models import Departure, Person
from accounts.permissions import is_present
from channels_registry.models import AccessGrant, Channel, ChannelUserPermission, Entitlement, SharedLogin, Tool
from channels_registry.models.access_grant import RIGHTS, Door
from channels_registry.permissions import require_administer
from socialops.lib.secrecy import looks_secret
from socialops.lib.wall_clock import database_now

audit.register("access.granted", "gave access")
audit.register("access.revoked", "took access away")

NOT_HERE = "This looks like a password or a key. Keep it in the vault, and write here where it is kept."


@transaction.atomic
def grant(
    channel: Channel,
    person: Person | None,
    entitlement: str,
    by: Person | None,
    reason: str,
    *,
    door: str = Door.RIGHT,
    label: str = "",
    expires_at: datetime | None = None,
    source: str = AccessGrant.Source.DECLARED,
    login: SharedLogin | None = None,
    tool: Tool | None = None,
) -> AccessGrant:
    """Give `person` this level on the channel, or declare a door they have elsewhere: maybe one to `login`, in `tool`.

    Allowed for the channel's managers and for administrators, never to oneself. `by=None` is the system, for a verb
    that two people have decided. An attached app may be nobody's. ValidationError for what does not fit.
    """
    channel = Channel.objects.select_for_update().get(pk=channel.pk)
    if by is not None:
        require_administer(by, channel)
    if person is not None and person == by and door == Door.RIGHT:
        raise PermissionDenied("Nobody gives access to themselves. Ask another administrator or manager.")
    _check(channel, person, entitlement, reason, door, expires_at)
    if door != Door.RIGHT:
        _keep_secrets_out(entitlement=entitlement, label=label, reason=reason)
    made = _insert(
        channel=channel,
        person=person,
        door=door,
        entitlement=entitlement,
        label=label,
        source=source,
        login=login,
        tool=tool,
        granted_by=by,
        reason=reason,
        starts_at=Now(),
        expires_at=expires_at,
    )
    _write_rights(made)
    audit.record(by, "access.granted", made, **told(made), reason=reason)
    return made


@transaction.atomic
def revoke(grant: AccessGrant, by: Person | None, reason: str) -> AccessGrant:
    """Take a right in Socialops away, at once. Idempotent. `by=None` is the system (an offboarding's sweep).

    Everybody may give up their own; nobody's right can be needed to take a right away but a manager's.
    """
    if grant.door != Door.RIGHT:
        raise ValidationError("This door is on the network. Ask for its revocation, so that it is shut and proven.")
    if by is not None and by != grant.person:
        require_administer(by, grant.channel)
    return end(grant, by, reason)


def end(grant: AccessGrant, by: Person | None, reason: str) -> AccessGrant:
    """Stamp a grant as over and drop its rows, whatever its door. Needs a transaction; once is enough.

    The right of somebody who has left is over since that minute (or since it was recorded, if it was said late): every
    permission has read the departure from then on, whenever the sweep comes by.
    """
    end_all([(grant, by, reason)])
    return grant


def end_all(ends: Iterable[tuple[AccessGrant, Person | None, str]]) -> None:
    """The same for many, each with who and why. Their channels are locked in order; few queries for any number."""
    wanted = list(ends)
    channels = {grant.channel_id for grant, _, _ in wanted}
    list(Channel.objects.select_for_update().filter(pk__in=channels).order_by("pk"))
    left = Departure.objects.filter(person=OuterRef("person"), withdrawn_at=None, returned_at=None, at__lte=Now())
    since = Coalesce(Subquery(left.values(since=Greatest("at", "recorded_at"))[:1]), Now())
    over = Greatest(Case(When(door=Door.RIGHT, then=since), default=Now()), F("starts_at"))
    standing = AccessGrant.objects.filter(pk__in=[grant.pk for grant, _, _ in wanted], revoked_at=None)
    open_still = set(standing.values_list("pk", flat=True))
    ended = [each for each in wanted if each[0].pk in open_still]
    for by, reason in {(by, reason) for _, by, reason in ended}:
        mine = [grant.pk for grant, who, why in ended if (who, why) == (by, reason)]
        standing.filter(pk__in=mine).update(revoked_at=over, revoked_by=by, revoked_reason=reason[:300])
    ChannelUserPermission.objects.filter(grant__in=open_still).delete()
    fresh = AccessGrant.objects.in_bulk([grant.pk for grant, _, _ in wanted])
    for grant, _, _ in wanted:
        for name in ("revoked_at", "revoked_by_id", "revoked_reason"):
            setattr(grant, name, getattr(fresh[grant.pk], name))
    audit.record_many((by, "access.revoked", grant, {**told(grant), "reason": reason}) for grant, by, reason in ended)


@transaction.atomic
def level() -> tuple[int, int]:
    """Make guardian's rows equal to the ledger. Returns (rows written, rows dropped).

    A person may get a login after their grant, and a grant may run out; neither asks anybody's leave.
    """
    over = ChannelUserPermission.objects.exclude(grant__in=AccessGrant.objects.standing())
    dropped = over.delete()[0]
    rows = ChannelUserPermission.objects.filter(grant=OuterRef("pk"))
    lacking = AccessGrant.objects.standing().filter(~Exists(rows), door=Door.RIGHT, person__user__isnull=False)
    written = sum(_write_rights(each) for each in lacking.select_related("person__user", "channel")[:1000])
    return written, dropped


def told(grant: AccessGrant) -> dict[str, object]:
    """What the trail keeps of a grant."""
    return {
        "channel": grant.channel_id,
        "person": grant.person_id,
        "door": str(grant.door),
        "entitlement": grant.entitlement,
        "label": grant.label,
        "source": str(grant.source),
        "expires_at": grant.expires_at.isoformat() if isinstance(grant.expires_at, datetime) else None,
    }


def _check(channel, person, entitlement, reason, door, expires_at) -> None:
    if not reason.strip():
        raise ValidationError({"reason": "Say why. The reason stays with the grant."})
    if door == Door.RIGHT and entitlement not in Entitlement.values:
        levels = ", ".join(str(label).lower() for label in Entitlement.labels)
        raise ValidationError({"entitlement": f"Choose one of: {levels}."})
    if not entitlement.strip():
        raise ValidationError({"entitlement": "Say what this door lets them do, in the network’s own word."})
    if expires_at is not None and expires_at <= database_now():
        raise ValidationError({"expires_at": "This time has passed. Choose one that lies ahead."})
    if channel.state == Channel.State.ARCHIVED:
        raise ValidationError(f"{channel.name} is archived, so nobody can be given access to it.")
    if person is None and door != Door.APP:
        raise ValidationError({"person": "Choose who has it. Only an attached app may be nobody’s."})
    if person is not None and not is_present(person):
        raise ValidationError({"person": f"{person} has left, so they cannot be given access."})


def _keep_secrets_out(**said: str) -> None:
    """Of a door elsewhere it is kept where it is, and never what opens it."""
    for name, text in said.items():
        if looks_secret(text):
            raise ValidationError({name: NOT_HERE})


def _insert(**values) -> AccessGrant:
    try:
        with transaction.atomic():
            made = AccessGrant.objects.create(**values)
    except IntegrityError as error:
        if "overlap" not in str(error):
            raise
        who = values["person"] or values["label"]
        raise ValidationError(f"{who} has exactly this access already. Take it away first to change it.") from error
    made.refresh_from_db()
    return made


def _write_rights(grant: AccessGrant) -> int:
    """Guardian's rows for a right in Socialops, if its holder has a login. Returns how many."""
    user = getattr(grant.person, "user", None) if grant.person_id else None
    if grant.door != Door.RIGHT or user is None:
        return 0
    rows = [
        ChannelUserPermission(user=user, permission=permission, content_object=grant.channel, grant=grant)
        for permission in _permissions(RIGHTS[grant.entitlement])
    ]
    return len(ChannelUserPermission.objects.bulk_create(rows, ignore_conflicts=True))


def _permissions(codenames: tuple[str, ...]) -> QuerySet[Permission]:
    return Permission.objects.filter(
        codename__in=codenames, content_type__app_label="channels_registry", content_type__model="channel"
    )
