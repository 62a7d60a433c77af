"""A legal hold keeps what it covers whatever its age, until somebody else lifts it."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, MailDelivery
from accounts.notifying import send_mail
from governance import preserving, retaining
from governance.models import LegalHold
from tests import factories

pytestmark = pytest.mark.django_db


def old_mail(name: str) -> MailDelivery:
    mail = send_mail(factories.person(name), f"For {name}", "Words")
    past = timezone.now() - timedelta(days=settings.KEPT_DAYS["mails"] + 2)
    MailDelivery.objects.filter(pk=mail.pk).update(state="sending")
    MailDelivery.objects.filter(pk=mail.pk).update(state="done", settled_at=past, created_at=past)
    return mail


def left() -> set[str]:
    retaining.purge()
    return set(MailDelivery.objects.values_list("subject", flat=True))


def test_a_person_under_a_hold_keeps_their_mails_and_others_lose_theirs():
    erin, ines = factories.erin(), factories.person("ines", "admin")
    old_mail("alice"), old_mail("bob")
    hold = preserving.place(erin, "person", "Dispute 14", person=factories.person("alice"))
    assert left() == {"For alice"}
    preserving.lift(hold, ines, "Settled")
    assert left() == set()
    said = AuditEvent.objects.filter(action__startswith="legal_hold.").order_by("pk")
    said = said.values_list("action", "actor_label")
    assert list(said) == [("legal_hold.placed", "Erin"), ("legal_hold.lifted", "Ines")]


@pytest.mark.parametrize("scope", ["everything", "period", "channel"])
def test_what_cannot_be_told_apart_stays(scope):
    """A mail is of no channel, so a hold on one keeps every mail."""
    old_mail("alice")
    now = timezone.now()
    more = {"period": {"first": now - timedelta(days=9999), "last": now}, "channel": {"channel": factories.channel()}}
    preserving.place(factories.erin(), scope, "Inquiry", **more.get(scope, {}))
    assert left() == {"For alice"}


def test_a_period_keeps_what_is_of_it_and_nothing_else():
    old_mail("alice")
    now = timezone.now()
    preserving.place(factories.erin(), "period", "Inquiry", first=now - timedelta(days=2), last=now)
    assert left() == set()


def test_who_placed_it_does_not_lift_it_nor_whom_it_is_about():
    erin, ines = factories.erin(), factories.person("ines", "admin")
    hold = preserving.place(erin, "person", "Dispute", person=ines)
    with pytest.raises(ValidationError, match="You placed this"):
        preserving.lift(hold, erin, "Settled")
    with pytest.raises(PermissionDenied, match="about you"):
        preserving.lift(hold, ines, "Settled")
    with pytest.raises(IntegrityError), transaction.atomic():
        LegalHold.objects.filter(pk=hold.pk).update(lifted_by=erin, lifted_at=timezone.now())


def test_charlie_and_the_auditor_place_none():
    for name, *roles in (("charlie",), ("frank", "auditor")):
        with pytest.raises(PermissionDenied):
            preserving.place(factories.person(name, *roles), "everything", "Because")
    with pytest.raises(ValidationError):
        preserving.place(factories.erin(), "everything", "  ")


def test_from_the_page():
    erin = factories.signed_in(factories.erin())
    page = erin.post(reverse("legal_hold_list"), {"scope": "person", "about": "nobody", "reason": "x"})
    assert page.status_code == 422 and "by their e-mail or handle" in page.content.decode()
    page = erin.post(
        reverse("legal_hold_list"), {"scope": "period", "first": "2026-03-02", "last": "2026-03-01", "reason": "x"}
    )
    assert page.status_code == 422 and "ends before it begins" in page.content.decode()
    said = {"scope": "period", "first": "2026-03-01", "last": "2026-03-01", "reason": "Inquiry"}
    assert erin.post(reverse("legal_hold_list"), said).status_code == 302
    hold = LegalHold.objects.get()
    assert hold.last - hold.first == timedelta(days=1)
    assert "Another administrator lifts it" in erin.get(reverse("legal_hold_list")).content.decode()
    ines = factories.signed_in(factories.person("ines", "admin"))
    assert ines.post(reverse("legal_hold_lifting", args=[hold.pk]), {"reason": ""}).status_code == 422
    assert ines.post(reverse("legal_hold_lifting", args=[hold.pk]), {"reason": "Over"}).status_code == 302
