"""Shared logins: the pointer and never the secret; a new secret shuts the door of who is to go, and who stays stays."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEvent, Notification
from channels_registry import access, revoking, sharing
from channels_registry.models import AccessGrant, Proof, Revocation, Rotation, SharedLogin
from channels_registry.models.access_grant import Door
from channels_registry.queries import who_could_reach
from governance import offboarding
from tests import factories
from tests.channels_registry.pictures import picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    return {name: factories.person(name) for name in ("gina", "alice", "dana", "charlie", "bob")}


@pytest.fixture
def channels(cast):
    return [factories.channel(owner=cast["gina"]) for _ in range(2)]


@pytest.fixture
def login(cast, channels):
    """Two channels behind one login, which alice and dana know. bob keeps it."""
    made = sharing.add_login(factories.erin(), "Acme France", "Vault: Social / Acme", channels, cast["bob"])
    for name in ("alice", "dana"):
        sharing.share(made, cast[name], "full access", factories.erin(), "posts")
    return made


def known_by(login) -> set[str]:
    return set(AccessGrant.objects.standing().filter(login=login).values_list("person__name", flat=True))


def leaves(login, dana) -> list[Revocation]:
    sharing.take_back(login, dana, factories.erin(), "leaves")
    return list(Revocation.objects.filter(grant__login=login).order_by("pk"))


def test_who_knows_it_can_reach_each_channel_that_it_opens(login, channels, cast):
    for channel in channels:
        doors = who_could_reach(channel).filter(door=Door.SHARED_LOGIN)
        assert {door.person for door in doors} == {cast["alice"], cast["dana"]}
        assert {door.source for door in doors} == {"declared"}
    assert AuditEvent.objects.filter(action="shared_login.added", subject_id=str(login.pk)).exists()


@pytest.mark.parametrize("field", ["name", "vault"])
def test_a_secret_is_refused_with_words_wherever_it_is_written(channels, cast, field):
    said = {"name": "Acme", "vault": "Vault", field: "Sommer2024!"}
    with pytest.raises(ValidationError, match="Keep it in the vault") as refused:
        sharing.add_login(factories.erin(), said["name"], said["vault"], channels, cast["bob"])
    assert list(refused.value.error_dict) == [field]


@pytest.mark.parametrize("door", [Door.SHARED_LOGIN, Door.RECOVERY, Door.APP])
def test_so_it_is_with_every_door_elsewhere_and_the_reason(channels, cast, door):
    for more in ({"label": "pwd: horse"}, {"label": "x", "reason": "password = horse"}):
        reason = more.pop("reason", "keeps it")
        with pytest.raises(ValidationError, match="Keep it in the vault"):
            access.grant(channels[0], cast["alice"], "full", factories.erin(), reason, door=door, **more)


def test_an_attached_app_may_be_nobodys_and_nothing_else_may(channels):
    app = access.grant(channels[0], None, "reads", factories.erin(), "figures", door=Door.APP, label="Metrics")
    assert app.person is None
    with pytest.raises(ValidationError, match="Choose who has it"):
        access.grant(channels[0], None, "full", factories.erin(), "?", door=Door.RECOVERY, label="press@acme.example")


def test_charlie_neither_adds_shares_nor_rotates(login, channels, cast):
    charlie = cast["charlie"]
    with pytest.raises(PermissionDenied):
        sharing.add_login(charlie, "Other", "Vault", channels, charlie)
    with pytest.raises(PermissionDenied):
        sharing.share(login, charlie, "full access", charlie, "please")
    with pytest.raises(PermissionDenied):
        sharing.rotate(login, charlie, "Done.")
    with pytest.raises(PermissionDenied):
        sharing.change_login(login, charlie, rotate_every=700)


def test_rotating_shuts_the_door_of_who_goes_on_every_channel_and_the_others_stay(login, cast):
    asked = leaves(login, cast["dana"])
    assert len(asked) == 2 and all(each.guided and each.assigned_to == cast["bob"] for each in asked)
    rotation = sharing.rotate(login, cast["bob"], "Changed at 9, old one refused.", picture())
    assert {each.proof for each in Revocation.objects.all()} == {Proof.ATTESTED}
    assert known_by(login) == {"Alice", "Dana"}  # one person's word does not close the ledger
    sharing.confirm(rotation, factories.erin())
    assert known_by(login) == {"Alice"}
    assert {(each.stage, each.proof) for each in Revocation.objects.all()} == {("verified", Proof.SECOND_PERSON)}
    stays = AccessGrant.objects.filter(login=login, person=cast["alice"])
    assert all(each.last_proven_at == rotation.done_at and each.revoked_at is None for each in stays)
    wanted = {"shared_login.rotated", "shared_login.confirmed", "revocation.attested", "revocation.confirmed"}
    assert wanted <= set(AuditEvent.objects.values_list("action", flat=True))


def test_by_an_offboarding_as_well_with_no_code_of_its_own(login, cast):
    factories.departed(cast["dana"])
    offboarding.sweep()
    asked = Revocation.objects.filter(grant__login=login)
    assert {each.grant.person for each in asked} == {cast["dana"]} and asked.count() == 2
    sharing.confirm(sharing.rotate(login, cast["bob"], "Changed.", picture()), factories.erin())
    assert known_by(login) == {"Alice"} and set(asked.values_list("stage", flat=True)) == {"verified"}


def test_one_of_its_doors_is_not_attested_by_itself(login, cast):
    (first, _) = leaves(login, cast["dana"])
    with pytest.raises(ValidationError, match="change its secret"):
        revoking.attest(first, factories.erin(), "Done.", picture())
    sharing.rotate(login, cast["bob"], "Changed.", picture())
    with pytest.raises(ValidationError, match="change its secret"):
        revoking.confirm(first, factories.erin())


def test_who_is_to_forget_it_neither_rotates_nor_looks(login, cast):
    dana = cast["dana"]
    sharing.change_login(login, factories.erin(), owner=dana)
    leaves(login, dana)
    with pytest.raises(PermissionDenied):
        sharing.rotate(login, dana, "Changed.", picture())
    rotation = sharing.rotate(login, factories.erin(), "Changed.", picture())
    with pytest.raises(PermissionDenied, match="Somebody else"):
        sharing.confirm(rotation, dana)


def test_nobody_confirms_their_own_rotation(login):
    rotation = sharing.rotate(login, factories.erin(), "Changed.", picture())
    with pytest.raises(PermissionDenied, match="Somebody else"):
        sharing.confirm(rotation, factories.erin())
    with pytest.raises(IntegrityError, match="another_one_saw"), transaction.atomic():
        Rotation.objects.filter(pk=rotation.pk).update(confirmed_by=factories.erin())


def test_a_rotation_that_did_not_help_is_due_again(login, cast):
    asked = leaves(login, cast["dana"])
    rotation = sharing.rotate(login, cast["bob"], "Changed.", picture())
    sharing.contest(rotation, cast["gina"], "I got in with the old one.")
    asked[0].refresh_from_db()
    login.refresh_from_db()
    assert (asked[0].stage, asked[0].proof) == ("failed", "") and login.rotated_at < rotation.done_at
    assert Notification.objects.filter(person=cast["bob"], kind="shared_login.rotation").exists()
    sharing.confirm(sharing.rotate(login, cast["bob"], "Changed again.", picture()), factories.erin())
    assert known_by(login) == {"Alice"}


def test_who_leaves_after_the_rotation_knows_the_new_secret(login, cast):
    rotation = sharing.rotate(login, cast["bob"], "The quarter is over.", picture())
    asked = leaves(login, cast["dana"])
    sharing.confirm(rotation, factories.erin())
    assert known_by(login) == {"Alice", "Dana"}
    assert {each.stage for each in Revocation.objects.filter(pk__in=[row.pk for row in asked])} == {"pending"}


def test_a_high_risk_channel_wants_a_picture_and_no_note_holds_the_secret(login, channels):
    channels[1].risk_tier = "high"
    channels[1].save()
    with pytest.raises(ValidationError, match="Add a picture"):
        sharing.rotate(login, factories.erin(), "Changed.")
    with pytest.raises(ValidationError, match="Keep it in the vault"):
        sharing.rotate(login, factories.erin(), "It is Winter2025! now", picture())


def test_one_rotation_at_a_time_waits_for_its_second_pair_of_eyes(login, cast):
    sharing.rotate(login, cast["bob"], "Changed.", picture())
    with pytest.raises(ValidationError, match="second pair of eyes"):
        sharing.rotate(login, cast["bob"], "Changed.", picture())


def test_two_logins_of_one_name_and_times_that_cannot_be(login, channels, cast):
    with pytest.raises(ValidationError, match="already"):
        sharing.add_login(factories.erin(), "Acme France", "Vault", channels, cast["bob"])
    for more in ({"rotate_every": 0}, {"rotated_at": timezone.now() + timedelta(days=1)}):
        with pytest.raises(ValidationError):
            sharing.add_login(factories.erin(), "Another", "Vault", channels, cast["bob"], **more)
    assert SharedLogin.objects.count() == 1
