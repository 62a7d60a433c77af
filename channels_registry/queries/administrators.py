"""Who administers a channel over there, and will still be there tomorrow."""

from django.db.models import Exists, F, Max, Min, OuterRef, QuerySet

from accounts.models import Person
from channels_registry.models import AccessGrant, Channel, Revocation
from channels_registry.models.access_grant import Door

ADMIN_WORDS = r"^(owner|admin|administrator|super admin|manage|manager|full control)$"


def staying_administrators(**of):
    """Administrators on the network who are known, have not left, and whose door nobody wants shut."""
    asked = Revocation.objects.exclude(state="cancelled").filter(grant=OuterRef("pk"))
    return (
        AccessGrant.objects.standing()
        .filter(~Exists(asked), door=Door.ROLE, entitlement__iregex=ADMIN_WORDS, person__isnull=False, **of)
        .exclude(person__in=Person.objects.departed().values("pk"))
    )


def with_one_administrator(channels: QuerySet[Channel]) -> QuerySet[Channel]:
    """Those of the channels whose network lists roles, and on which one known person only is going to stay."""
    roles = AccessGrant.objects.standing().filter(channel=OuterRef("pk"), door=Door.ROLE, source="observed")
    staying = staying_administrators().order_by().values("channel").annotate(first=Min("person"), last=Max("person"))
    return channels.filter(Exists(roles), pk__in=staying.filter(first=F("last")).values("channel"))
