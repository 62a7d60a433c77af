"""A door that no API shuts: somebody does it, shows it, and another one looks. Nobody proves their own work."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction

from accounts.models import AuditEvent, Notification
from channels_registry import revoking
from channels_registry.models import AccessGrant, Proof, Revocation
from channels_registry.models.access_grant import Door
from tests import factories
from tests.channels_registry.pictures import PNG, picture


@pytest.fixture
def task(dana, there):
    """A shared login of dana's: no API will ever shut it."""
    channel = factories.channel(owner=factories.person("gina"))
    held = factories.grant(channel, dana, "poster", door=Door.SHARED_LOGIN, label="Vault: acme")
    return revoking.request_revocation(held, factories.erin(), "leaves")


def test_a_guided_task_goes_to_the_owner_who_is_told(task):
    assert task.guided and task.assigned_to == factories.person("gina")
    assert Notification.objects.filter(person=task.assigned_to, url=f"/revocations/{task.pk}/").exists()


def test_two_people_make_it_proven(task):
    gina, erin = factories.person("gina"), factories.erin()
    revoking.take(task, gina)
    attested = revoking.attest(task, gina, "Changed the password in the vault.", picture())
    assert (attested.stage, attested.proof) == ("revoked", Proof.ATTESTED)
    assert len(attested.evidence_sha256) == 64 and attested.evidence_file.read() == PNG
    assert attested.grant.revoked_at is None  # one person's word does not close the ledger
    confirmed = revoking.confirm(task, erin)
    assert (confirmed.stage, confirmed.proof, confirmed.confirmed_by) == ("verified", Proof.SECOND_PERSON, erin)
    assert AccessGrant.objects.get(pk=task.grant_id).revoked_at
    wanted = {"revocation.taken", "revocation.attested", "revocation.confirmed", "access.revoked"}
    assert wanted <= set(AuditEvent.objects.values_list("action", flat=True))


def test_nobody_confirms_their_own_attestation(task):
    revoking.attest(task, factories.erin(), "Done.", picture())
    with pytest.raises(PermissionDenied, match="Somebody else"):
        revoking.confirm(task, factories.erin())
    with pytest.raises(IntegrityError, match="second_pair_of_eyes"), transaction.atomic():
        Revocation.objects.filter(pk=task.pk).update(confirmed_by=factories.erin())


def test_the_one_whose_door_it_is_neither_attests_nor_confirms(task, dana):
    factories.grant(task.grant.channel, dana, "manager")
    with pytest.raises(PermissionDenied):
        revoking.attest(task, dana, "I shut it myself.", picture())
    revoking.attest(task, factories.erin(), "Done.", picture())
    with pytest.raises(PermissionDenied):
        revoking.confirm(task, dana)


def test_a_second_person_who_finds_it_open_sends_it_back(task):
    revoking.attest(task, factories.person("gina"), "Done.", picture())
    back = revoking.contest(task, factories.erin(), "I could still log in.")
    assert (back.stage, back.proof) == ("failed", "") and back.grant.revoked_at is None
    assert revoking.take(task, factories.person("gina")).stage == "in_hand"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("shot.png", b"<svg onload=alert(1)>", "neither a PNG"),
        ("shot.pdf", b"<html>%PDF-", "neither a PNG"),
        ("shot.png", PNG + b"\0" * 5 * 1024 * 1024, "larger than 5 MB"),
        ("empty.png", b"", "neither a PNG"),
    ],
)
def test_evidence_is_what_it_is_and_not_what_it_is_called(task, name, content, words):
    with pytest.raises(ValidationError, match=words):
        revoking.attest(task, factories.erin(), "Done.", picture(name, content))


def test_the_name_of_a_file_goes_nowhere(task):
    done = revoking.attest(task, factories.erin(), "Done.", picture("../../<b>.html", PNG))
    assert done.evidence_file.name.endswith(".png") and "html" not in done.evidence_file.name


def test_a_high_risk_channel_needs_a_picture(task):
    task.grant.channel.risk_tier = "high"
    task.grant.channel.save()
    with pytest.raises(ValidationError, match="high-risk"):
        revoking.attest(task, factories.erin(), "Done.")


def test_not_provable_is_a_grade_and_not_a_proof(task):
    graded = revoking.not_provable(task, factories.erin(), "The vendor has no list.")
    assert graded.proof == Proof.NOT_PROVABLE and graded.stage != "verified" and graded.grant.revoked_at is None


@pytest.mark.django_db
def test_the_wish_can_be_taken_back_but_never_for_somebody_who_left(task, dana):
    revoking.withdraw(task, factories.erin(), "she stays after all")
    task.refresh_from_db()
    assert task.state == "cancelled"
    again = revoking.request_revocation(task.grant, factories.erin(), "leaves")
    factories.departed(dana)
    with pytest.raises(ValidationError, match="has left"):
        revoking.withdraw(again, factories.erin(), "please")
