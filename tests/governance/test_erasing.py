"""Erasing somebody who has left: their name goes, the chain stays true, two people decide, a legal hold forbids it."""

import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from accounts import audit, chaining, people, verifying
from accounts.models import AuditEvent, AuditRedaction, AuditSeal, Person
from governance import erasing, offboarding, preserving
from governance.models import Erasure, OffboardingCase
from tests import factories
from tests.servers import CHECKOUT

pytestmark = pytest.mark.django_db
audit.register("test.done", "did a test")


@pytest.fixture(autouse=True)
def heads(settings, tmp_path):
    settings.AUDIT_HEADS = tmp_path / "heads"
    return settings.AUDIT_HEADS


@pytest.fixture
def two():
    return factories.erin(), factories.person("ines", "admin")


@pytest.fixture
def dana(two, heads):
    """She worked here, left, and every door is graded. Her trail is sealed under a head that left."""
    dana = people.add_person("Dana Petrov", "dana.petrov@example.test", two[0], title="Community manager")
    factories.user(dana)
    people.change_person(dana, two[0], title="Lead")
    audit.record(dana, "test.done", two[0], note="Dana Petrov was here", count=3)
    audit.record(two[0], "test.done", two[1], note="nothing of hers", count=4)
    factories.departed(dana)
    offboarding.sweep()
    offboarding.close(OffboardingCase.objects.get(person=dana), two[0])
    chaining.sign_head()
    return dana


def erased(person, two) -> Erasure:
    erasure = erasing.confirm(erasing.ask(person, two[0], "Her letter of 3 May"), two[1])
    erasing.work_due()
    erasure.refresh_from_db()
    assert erasure.state == "done", erasure.problem
    return erasure


def findings(heads):
    sealed, unsealed = chaining.whole_trail()
    return verifying.verify(
        sealed, unsealed, verifying.read_heads(heads), verifying.read_keys(heads), timezone.now()
    )  # fmt: skip


def test_her_name_is_nowhere_in_the_trail_and_every_seal_still_holds(dana, two, heads, tmp_path):
    before = dict(AuditSeal.objects.values_list("event_id", "hash"))
    erasure = erased(dana, two)
    texts = [str(row) for row in AuditEvent.objects.values_list("actor_label", "subject_label", "data")]
    assert not [text for text in texts if "petrov" in text.lower()]
    assert erasure.gone["events"] >= 4
    assert before.items() <= dict(AuditSeal.objects.values_list("event_id", "hash")).items(), "no seal was made anew"
    chaining.sign_head()
    report = findings(heads)
    assert report.findings == []
    assert len(report.erased) == erasure.gone["events"]
    call_command("verify_audit", export=tmp_path / "trail.jsonl")
    run = subprocess.run(
        [sys.executable, "-IS", CHECKOUT / "accounts/verifying.py", tmp_path / "trail.jsonl", heads],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert run.returncode == 0 and "erased" in run.stdout and "The trail is whole." in run.stdout


def test_what_others_did_and_what_is_no_data_of_hers_stays(dana, two):
    mine = AuditEvent.objects.get(action="test.done", actor=dana)
    other = AuditEvent.objects.get(action="test.done", actor=two[0])
    erased(dana, two)
    mine.refresh_from_db(), other.refresh_from_db()
    assert (mine.actor_label, mine.subject_label) == ("(erased)", "Erin")
    assert mine.data == {"note": "(erased)", "count": 3} and mine.salt is None
    assert other.data == {"note": "nothing of hers", "count": 4} and other.salt


def test_the_person_is_nobody_any_more_and_cannot_sign_in(dana, two):
    erased(dana, two)
    dana.refresh_from_db()
    assert dana.name == f"Erased person {dana.pk}" and "petrov" not in dana.email and dana.title == ""
    assert not dana.user.has_usable_password() and not dana.user.is_active
    said = AuditEvent.objects.filter(action__startswith="erasure.").order_by("pk")
    assert list(said.values_list("action", "actor_label")) == [
        ("erasure.asked", "Erin"), ("erasure.confirmed", "Ines"), ("erasure.done", "Socialops"),
    ]  # fmt: skip


def test_an_event_of_two_people_forgets_both_one_after_the_other(dana, two, heads):
    frank = people.add_person("Frank Osei", "frank.osei@example.test", two[0])
    audit.record(dana, "test.done", frank, note="Dana Petrov and Frank Osei")
    factories.departed(frank)
    offboarding.sweep()
    offboarding.close(OffboardingCase.objects.get(person=frank), two[0])
    erased(dana, two)
    erased(frank, two)
    event = AuditEvent.objects.get(action="test.done", actor=dana, subject_id=str(frank.pk))
    assert (event.actor_label, event.subject_label, event.data) == ("(erased)", "(erased)", {"note": "(erased)"})
    chaining.sign_head()
    assert findings(heads).findings == []


def test_an_event_sealed_before_there_were_commitments_is_erased_and_stays_true(dana, two, heads):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditevent DISABLE TRIGGER ALL")
        cursor.execute(
            "INSERT INTO accounts_auditevent "
            "(at, actor_id, actor_label, action, subject_type, subject_id, subject_label, data, click, salt) "
            "VALUES (now(), %s, 'Dana Petrov', 'test.done', 'person', '0', 'x', '{}', '', NULL)",
            [dana.pk],
        )
        cursor.execute("ALTER TABLE accounts_auditevent ENABLE TRIGGER ALL")
    chaining.sign_head()
    old = AuditEvent.objects.get(subject_id="0")
    assert old.seal.version == 1 and AuditSeal.objects.filter(version=2).exists()
    erased(dana, two)
    chaining.sign_head()
    assert findings(heads).findings == []
    old.refresh_from_db()
    assert old.actor_label == "(erased)"
    _as_owner("UPDATE accounts_auditevent SET action = 'test.forged' WHERE id = %s", old.pk)
    assert {(each.kind, each.event) for each in findings(heads).findings} == {("edited", old.pk)}


def _as_owner(statement, *values):
    with connection.cursor() as cursor:
        for table in ("accounts_auditevent", "accounts_auditredaction"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        cursor.execute(statement, values)


def test_what_was_not_erased_of_an_event_is_still_under_its_seal(dana, two, heads):
    erased(dana, two)
    event = AuditEvent.objects.get(action="test.done", actor=dana)
    _as_owner("UPDATE accounts_auditevent SET subject_label = 'nobody' WHERE id = %s", event.pk)
    assert ("edited", event.pk) in {(each.kind, each.event) for each in findings(heads).findings}


def test_whoever_erases_by_hand_is_found(dana, two, heads):
    """An owner of the database blanks an event as if two people had decided it: no sealed event says so."""
    erased(dana, two)
    chaining.sign_head()
    event = AuditEvent.objects.get(action="test.done", actor=two[0])
    whole = chaining.as_dict(event)
    path = "actor_label"
    AuditRedaction.objects.create(
        event=event, by=AuditEvent.objects.get(action="person.redacted"),
        fields={path: verifying.commitments(whole)[path]},
        keys={each: verifying.blinding(whole["salt"], each) for each in verifying.commitments(whole) if each != path},
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT accounts_blank(%s)", [[event.pk]])
    assert {(each.kind, each.event) for each in findings(heads).findings} == {("erased", event.pk)}


def test_the_database_lets_an_event_change_in_no_other_way(dana, two):
    erased(dana, two)
    event = AuditEvent.objects.get(action="test.done", actor=dana)
    other = AuditEvent.objects.get(action="test.done", actor=two[0])
    for statement in (
        f"UPDATE accounts_auditevent SET actor_label = 'Mallory' WHERE id = {event.pk}",
        f"UPDATE accounts_auditevent SET actor_label = '(erased)', salt = NULL WHERE id = {other.pk}",
        f"UPDATE accounts_auditredaction SET fields = '{{}}' WHERE event_id = {event.pk}",
        f"DELETE FROM accounts_auditredaction WHERE event_id = {event.pk}",
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_somebody_who_is_here_whose_case_is_open_or_who_is_under_a_hold_is_not_erased(dana, two):
    with pytest.raises(ValidationError, match="has not left"):
        erasing.ask(factories.person("alice"), two[0], "Asked")
    bob = factories.person("bob")
    factories.grant(factories.channel(), bob, "holder", door="shared_login")
    factories.departed(bob)
    offboarding.sweep()
    with pytest.raises(ValidationError, match="offboarding is open"):
        erasing.ask(bob, two[0], "Asked")
    asked = erasing.ask(dana, two[0], "Asked")
    hold = preserving.place(two[1], "person", "Dispute", person=dana)
    with pytest.raises(ValidationError, match="legal hold"):
        erasing.confirm(asked, two[1])
    preserving.lift(hold, two[0], "Settled")
    erasing.confirm(asked, two[1])
    preserving.place(two[1], "everything", "Inquiry")
    erasing.work_due()
    asked.refresh_from_db()
    assert asked.state == "confirmed" and "legal hold" in asked.problem
    assert Person.objects.get(pk=dana.pk).name == "Dana Petrov"


def test_two_people_decide_and_never_the_person(dana, two):
    with pytest.raises(PermissionDenied):
        erasing.ask(dana, factories.person("charlie"), "Asked")
    with pytest.raises(PermissionDenied):
        erasing.ask(dana, factories.person("frank", "auditor"), "Asked")
    with pytest.raises(PermissionDenied, match="about you"):
        erasing.ask(two[0], two[0], "Asked")
    asked = erasing.ask(dana, two[0], "Asked")
    with pytest.raises(ValidationError, match="yourself"):
        erasing.confirm(asked, two[0])
    erasing.withdraw(asked, two[0])
    with pytest.raises(ValidationError, match="decided already"):
        erasing.confirm(asked, two[1])


def test_somebody_of_a_like_name_keeps_theirs(two, heads):
    short = people.add_person("Dana", "d@example.test", two[0])
    people.add_person("Dana Smith", "dana.smith@example.test", two[0])
    audit.record(two[0], "test.done", two[1], note="Dana Smith called")
    factories.departed(short, timedelta(hours=1))
    offboarding.sweep()
    offboarding.close(OffboardingCase.objects.get(person=short), two[0])
    erased(short, two)
    assert AuditEvent.objects.get(action="test.done").data == {"note": "Dana Smith called"}
    assert AuditEvent.objects.filter(subject_label="Dana Smith").exists()


def test_the_page_tells_first_what_goes_and_what_stays_and_why(dana, two):
    erin, ines = (factories.signed_in(each) for each in two)
    page = erin.get(reverse("erasure", args=[dana.pk])).content.decode()
    assert "Nothing is erased yet" in page and "Events of the audit trail that name them" in page
    assert "so that the chain proves itself" in page
    assert erin.post(reverse("erasure", args=[dana.pk]), {"reason": ""}).status_code == 422
    assert erin.post(reverse("erasure", args=[dana.pk]), {"reason": "Her letter"}).status_code == 302
    asked = Erasure.objects.get()
    assert erin.post(reverse("erasure_confirmation", args=[asked.pk])).status_code == 422
    assert ines.post(reverse("erasure_confirmation", args=[asked.pk])).status_code == 302
    erasing.work_due()
    page = ines.get(reverse("erasure", args=[dana.pk])).content.decode()
    assert "is erased" in page and "Petrov" not in page
