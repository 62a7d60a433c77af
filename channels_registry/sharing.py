"""Logins that several people know. The secret stays in the vault; here is where it is, who knows it, and since when.

add_login, change_login   the pointer to the vault, what it opens, who sees it rotated and how often
share, take_back          somebody is given it; somebody is to know it no longer, which only a new secret brings about
rotate                    the secret was changed: this shuts the door of all who are to go, and the others stay
confirm, contest          somebody else looks as well

A login is locked before the revocations of its doors, and those before their channels, as everywhere.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from accounts import audit, notifying
from accounts.models import Person, Role
from accounts.permissions import has_role, is_present
from channels_registry import access, revoking
from channels_registry.models import AccessGrant, Channel, Proof, Revocation, Rotation, SharedLogin
from channels_registry.models.access_grant import Door
from channels_registry.permissions import channels_with, require_administer
from channels_registry.proving import checked_file
from socialops.lib.secrecy import looks_secret
from socialops.lib.wall_clock import database_now

audit.register("shared_login.added", "put a shared login on record")
audit.register("shared_login.changed", "changed what is on record of a shared login")
audit.register("shared_login.rotated", "changed the secret of a shared login")
audit.register("shared_login.confirmed", "confirmed that a shared login has a new secret")
audit.register("shared_login.contested", "found that a shared login has its old secret")

Stage = Revocation.Stage
LONGEST = 730  # days
NAMES = ("name", "vault", "owner", "rotate_every")


@transaction.atomic
def add_login(
    by: Person, name: str, vault: str, channels: Collection[Channel], owner: Person, rotate_every: int = 90,
    rotated_at: datetime | None = None,
) -> SharedLogin:  # fmt: skip
    """Put it on record. `vault`: the item's name or address there. `rotated_at`: when its secret was last changed."""
    if not channels:
        raise ValidationError({"channels": "Choose at least one channel that it opens."})
    for channel in channels:
        require_administer(by, channel)
    login = SharedLogin(name=name.strip(), vault=vault.strip(), owner=owner, rotate_every=rotate_every)
    login.rotated_at = rotated_at or database_now()
    _check(login)
    _save(login)
    login.reaches.set(channels)
    told = {"channels": [channel.pk for channel in channels], "owner": owner.pk, "rotate_every": rotate_every}
    audit.record(by, "shared_login.added", login, **told)
    return login


@transaction.atomic
def change_login(login: SharedLogin, by: Person, **new: Any) -> SharedLogin:
    """Name, vault, owner, rotate_every. What it opens stays."""
    login = _locked(login)
    _require_keeper(by, login)
    before = {key: str(getattr(login, key)) for key in NAMES}
    for key in NAMES:
        setattr(login, key, new.get(key, getattr(login, key)))
    _check(login)
    _save(login)
    changed = {key: [before[key], str(getattr(login, key))] for key in NAMES if before[key] != str(getattr(login, key))}
    if changed:
        audit.record(by, "shared_login.changed", login, changed=changed)
    return login


@transaction.atomic
def share(
    login: SharedLogin, person: Person, level: str, by: Person | None, reason: str, expires_at: datetime | None = None
) -> list[AccessGrant]:
    """Somebody may read it in the vault: a door on each channel that it opens. `by=None`: the system."""
    login = _locked(login)
    return [
        access.grant(
            each, person, level, by, reason, door=Door.SHARED_LOGIN, label=login.name, login=login,
            expires_at=expires_at,
        )
        for each in login.reaches.order_by("pk")
    ]  # fmt: skip


@transaction.atomic
def take_back(login: SharedLogin, person: Person, by: Person, reason: str) -> list[Revocation]:
    """Somebody is to know it no longer. They do until the secret is another one."""
    login = _locked(login)
    doors = AccessGrant.objects.standing().filter(login=login, person=person).order_by("channel", "pk")
    if not doors:
        raise ValidationError(f"{person} does not know this login, as far as is on record.")
    return [revoking.request_revocation(door, by, reason) for door in doors]


@transaction.atomic
def rotate(login: SharedLogin, by: Person, note: str, file: File | None = None) -> Rotation:
    """The secret is another one. Say how that shows; a picture is needed where a channel is high-risk.

    The doors of all who are to go are attested shut by it. A second person looks, and then the ledger closes them.
    """
    login = _locked(login)
    asked = _asked(login)
    if not hands(login, by, [each.grant.person_id for each in asked]).rotate:
        raise PermissionDenied(
            "Only the login’s owner, somebody who manages its channels, or an administrator may do this; never "
            "somebody who is to know it no longer."
        )
    _check_proof(login, note, file)
    rotation = Rotation(login=login, done_by=by, done_at=database_now(), note=note.strip())
    if file is not None:
        rotation.file, rotation.sha256 = checked_file(file)
    _save(rotation, "The last rotation waits for a second pair of eyes. Let somebody confirm it first.")
    SharedLogin.objects.filter(pk=login.pk).update(rotated_at=rotation.done_at)
    for revocation in asked:
        _attest(revocation, rotation)
    told = {"leaving": [each.grant.person_id for each in asked], "sha256": rotation.sha256}
    audit.record(by, "shared_login.rotated", login, rotation=rotation.pk, **told)
    _ask_for_a_second_look(login, by)
    return rotation


@transaction.atomic
def confirm(rotation: Rotation, by: Person) -> Rotation:
    """A second person has seen it. Who was to go knows it no longer; who stays knows the new one."""
    rotation, doors = _looked_at(rotation, by)
    rotation.confirmed_by, rotation.confirmed_at = by, Now()
    rotation.save(update_fields=["confirmed_by", "confirmed_at"])
    for revocation in doors:
        Revocation.objects.filter(pk=revocation.pk).update(
            stage=Stage.VERIFIED, proof=Proof.SECOND_PERSON, confirmed_by=by, confirmed_at=Now(), verified_at=Now()
        )
        access.end(revocation.grant, by, revocation.reason_for or "The login was rotated.")
        audit.record(by, "revocation.confirmed", revocation, grant=revocation.grant_id)
    AccessGrant.objects.standing().filter(login=rotation.login).update(last_proven_at=rotation.done_at)
    audit.record(by, "shared_login.confirmed", rotation.login, rotation=rotation.pk)
    return rotation


@transaction.atomic
def contest(rotation: Rotation, by: Person, why: str) -> Rotation:
    """A second person could still get in with the old one. It is due again."""
    rotation, doors = _looked_at(rotation, by)
    if not why.strip():
        raise ValidationError({"why": "Say what you saw."})
    rotation.contested_by, rotation.contested_why = by, why.strip()[:300]
    rotation.save(update_fields=["contested_by", "contested_why"])
    rows = Revocation.objects.filter(pk__in=[each.pk for each in doors])
    rows.update(stage=Stage.FAILED, proof="", reason=why.strip()[:300])
    login = rotation.login
    last = login.rotations.filter(confirmed_by__isnull=False).order_by("-done_at").first()
    SharedLogin.objects.filter(pk=login.pk).update(rotated_at=last.done_at if last else login.created_at)
    audit.record(by, "shared_login.contested", login, rotation=rotation.pk, why=why.strip()[:300])
    text = f"{by} found that {login} has its old secret."
    notifying.notify(rotation.done_by, "shared_login.rotation", text, f"/logins/{login.pk}/", mail=True)
    return rotation


@dataclass(frozen=True)
class Hands:
    """What somebody may do about a login: give it to people, keep its record, change its secret, look after another."""

    share: bool
    keep: bool
    rotate: bool
    look: bool


def hands(login: SharedLogin, by: Person, leaving: Collection[int | None] | None = None) -> Hands:
    """Who manages all that it opens, and administrators, may all; the owner keeps and rotates it; who answers for a
    channel, and social leads, look. Who is to know it no longer (`leaving`, asked if None) neither rotates nor looks.
    """
    gone = set(_open(login).values_list("grant__person", flat=True)) if leaving is None else leaving
    share = may_share(login, by)
    keep = share or (login.owner_id == by.pk and is_present(by))
    here = by.pk not in gone
    look = here and (keep or has_role(by, Role.SOCIAL_LEAD) or _near(login, by))
    return Hands(share, keep, here and keep, look)


def may_share(login: SharedLogin, by: Person) -> bool:
    """Who may give it to somebody: who manages all that it opens, and administrators."""
    if has_role(by, Role.ADMIN):
        return True
    return not login.reaches.exclude(pk__in=channels_with(by, "manage").values("pk")).exists()


def _near(login: SharedLogin, by: Person) -> bool:
    return is_present(by) and login.reaches.filter(Q(owner=by) | Q(backup_owner=by)).exists()


def _open(login: SharedLogin):
    rows = Revocation.objects.filter(grant__login=login).exclude(state="cancelled").exclude(stage=Stage.VERIFIED)
    return rows.select_related("grant").order_by("pk")


def _asked(login: SharedLogin) -> list[Revocation]:
    """The open revocations of its doors, locked, and then their channels."""
    rows = list(_open(login).select_for_update(of=("self",), no_key=True))
    list(Channel.objects.select_for_update().filter(pk__in={each.grant.channel_id for each in rows}).order_by("pk"))
    return rows


def _attest(revocation: Revocation, rotation: Rotation) -> None:
    Revocation.objects.filter(pk=revocation.pk).update(
        state="done", stage=Stage.REVOKED, proof=Proof.ATTESTED, evidence_note=rotation.note,
        evidence_file=rotation.file.name or "", evidence_sha256=rotation.sha256, attested_by=rotation.done_by,
        attested_at=rotation.done_at, confirmed_by=None, confirmed_at=None, settled_at=Now(), guided=True,
    )  # fmt: skip
    told = {"grant": revocation.grant_id, "note": rotation.note[:500], "sha256": rotation.sha256}
    audit.record(rotation.done_by, "revocation.attested", revocation, **told)


def _looked_at(rotation: Rotation, by: Person) -> tuple[Rotation, list[Revocation]]:
    """The rotation and the doors that it shuts, locked, for somebody who may say whether it was done."""
    login = _locked(rotation.login)
    rotation = Rotation.objects.select_for_update().get(pk=rotation.pk)
    rotation.login = login
    if rotation.confirmed_by_id or rotation.contested_by_id:
        raise ValidationError("Somebody has looked at this rotation already.")
    if by.pk == rotation.done_by_id or not hands(login, by).look:
        raise PermissionDenied("Somebody else has to look: not who changed it, and not who is to know it no longer.")
    doors = [each for each in _asked(login) if each.proof == Proof.ATTESTED and each.attested_at == rotation.done_at]
    return rotation, doors


def _ask_for_a_second_look(login: SharedLogin, by: Person) -> None:
    near = {pk for pair in login.reaches.values_list("owner", "backup_owner") for pk in pair if pk} | {login.owner_id}
    text = f"{by} changed the secret of {login}. Look as well and confirm it."
    for person in Person.objects.present().filter(pk__in=near - {by.pk}).order_by("pk"):
        notifying.notify(person, "shared_login.rotation", text, f"/logins/{login.pk}/", mail=True)


def _locked(login: SharedLogin) -> SharedLogin:
    return SharedLogin.objects.select_for_update(of=("self",)).select_related("owner").get(pk=login.pk)


def _require_keeper(by: Person, login: SharedLogin) -> None:
    if not hands(login, by, ()).keep:
        raise PermissionDenied("Only its owner, somebody who manages all of its channels, or an administrator may.")


def _check(login: SharedLogin) -> None:
    for name in ("name", "vault"):
        if not getattr(login, name):
            raise ValidationError({name: "Say what it is called." if name == "name" else "Say where it is kept."})
        if looks_secret(getattr(login, name)):
            raise ValidationError({name: access.NOT_HERE})
    if not 1 <= login.rotate_every <= LONGEST:
        raise ValidationError({"rotate_every": f"Choose 1 to {LONGEST} days."})
    if not is_present(login.owner):
        raise ValidationError({"owner": f"{login.owner} has left. Choose somebody who is here."})
    if login.rotated_at > database_now():
        raise ValidationError({"rotated_at": "This lies ahead. Say when its secret was last changed."})


def _check_proof(login: SharedLogin, note: str, file: File | None) -> None:
    if not note.strip():
        raise ValidationError({"note": "Say what you did, and where you see that the old secret is of no use."})
    if looks_secret(note):
        raise ValidationError({"note": access.NOT_HERE})
    if file is None and login.reaches.filter(risk_tier=Channel.RiskTier.HIGH).exists():
        raise ValidationError({"file": "It opens a high-risk channel. Add a picture that shows when it was changed."})


def _save(row: SharedLogin | Rotation, taken: str = "There is a shared login of this name already.") -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise ValidationError({"name": taken} if isinstance(row, SharedLogin) else taken) from error
