"""Keys of the company's directory: made by an administrator, shown once, answered for by a person, ended."""

import base64
import secrets
from datetime import timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from accounts import audit
from accounts.models import DirectoryKey, Person, Role
from accounts.permissions import is_present, require_role
from accounts.sealing import open_key_secret, rewrap_key_secret, seal_key_secret
from socialops.lib.tokens import digest

PREFIXES = {"scim": "socialops_scim_", "hook": "whsec_"}
MOST_KEYS = 20  # of each kind that are not ended

audit.register("directory_key.made", "made a key for the directory")
audit.register("directory_key.taken_over", "took over a key of the directory")
audit.register("directory_key.ended", "ended a key of the directory")


@transaction.atomic
def entrust(by: Person, kind: str, name: str) -> tuple[DirectoryKey, str]:
    """A key, for which its maker answers, and its secret, which is nowhere else to be read."""
    require_role(by, Role.ADMIN)
    if kind not in PREFIXES:
        raise ValidationError({"kind": "Choose what it is for."})
    if not 0 < len(name.strip()) <= 80:
        raise ValidationError({"name": "Give it a name of up to 80 characters, such as what uses it."})
    if DirectoryKey.objects.filter(kind=kind, ended_at=None).count() >= MOST_KEYS:
        raise ValidationError(f"There are {MOST_KEYS} already. End those that nothing uses any more.")
    secret = _new_secret(kind)
    key = DirectoryKey.objects.create(
        kind=kind, name=name.strip(), answerable=by, made_by=by, hash=digest(secret), hint=secret[-4:]
    )
    if kind == DirectoryKey.Kind.HOOK:
        key.sealed_secret = seal_key_secret(key, secret)
        key.save(update_fields=["sealed_secret"])
    audit.record(by, "directory_key.made", key, kind=kind)
    return key, secret


@transaction.atomic
def take_over(key: DirectoryKey, by: Person) -> DirectoryKey:
    """From now on this administrator answers for what comes in with it."""
    require_role(by, Role.ADMIN)
    key = _locked(key)
    if key.ended_at:
        raise ValidationError("This key is ended already.")
    if key.answerable_id != by.pk:
        before, key.answerable = key.answerable_id, by
        key.save(update_fields=["answerable"])
        audit.record(by, "directory_key.taken_over", key, before=before)
    return key


@transaction.atomic
def end(key: DirectoryKey, by: Person) -> None:
    """Whatever uses it is refused from now on. One that is ended already stays as it is."""
    require_role(by, Role.ADMIN)
    if DirectoryKey.objects.filter(pk=key.pk, ended_at=None).update(ended_at=Now(), ended_by=by, sealed_secret=b""):
        audit.record(by, "directory_key.ended", key)


def opened(secret: str) -> DirectoryKey | None:
    """The SCIM token that this is, if it is good at this moment; its use is noted, to the minute."""
    found = DirectoryKey.objects.filter(kind="scim", hash=digest(secret), ended_at=None).select_related("answerable")
    key = found.first()
    if key:
        note_use(key)
    return key


def hook_secrets() -> list[tuple[DirectoryKey, str]]:
    """Every secret that signs messages, with its key. Raises socialops.lib.sealing.CannotOpen."""
    keys = DirectoryKey.objects.filter(kind="hook", ended_at=None).select_related("answerable").order_by("-pk")
    return [(key, open_key_secret(key, key.sealed_secret)) for key in keys]


def note_use(key: DirectoryKey) -> None:
    """One write a minute: a directory that asks a hundred times a second would wait for its own row."""
    stale = Q(last_used_at=None) | Q(last_used_at__lt=Now() - timedelta(minutes=1))
    DirectoryKey.objects.filter(stale, pk=key.pk).update(last_used_at=Now())


def rewrap_secrets() -> tuple[int, int]:
    """What checks signatures, under the newest key (manage.py sealing_keys rotate). Returns how many, of how many."""
    rows = list(DirectoryKey.objects.filter(kind="hook", ended_at=None).order_by("pk").values_list("pk", flat=True))
    for pk in rows:
        with transaction.atomic():
            key = DirectoryKey.objects.select_for_update().get(pk=pk)
            key.sealed_secret = rewrap_key_secret(key, bytes(key.sealed_secret))
            key.save(update_fields=["sealed_secret"])
    return len(rows), len(rows)


def locked_and_live(key: DirectoryKey) -> DirectoryKey:
    """The key, as the only one at it. Raises PermissionDenied if it was ended meanwhile."""
    key = _locked(key)
    if key.ended_at:
        raise PermissionDenied("This key was ended. Make another in the settings.")
    return key


def require_answerable(key: DirectoryKey) -> None:
    """Somebody who is here answers for it. Asked before anybody is brought in or changed, not before one leaves."""
    if not is_present(key.answerable):
        raise PermissionDenied(
            f"{key.answerable} answered for this key and has left. People can still be let go with it; to bring "
            "people in or change them, an administrator has to take the key over first."
        )


def _locked(key: DirectoryKey) -> DirectoryKey:
    rows = DirectoryKey.objects.select_for_update(of=("self",), no_key=True).select_related("answerable")
    return rows.get(pk=key.pk)


def _new_secret(kind: str) -> str:
    random = secrets.token_bytes(32)
    written = base64.b64encode(random).decode() if kind == "hook" else random.hex()
    return PREFIXES[kind] + written
