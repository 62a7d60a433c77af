"""Who sees offboarding and evidence: administrators and auditors, and nobody else knows that it exists."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from accounts import subscribing
from accounts.models import WebhookEndpoint
from channels_registry import revoking
from governance import evidence, offboarding, packing, queries
from governance.models import OffboardingCase
from publishing.models import Recurrence
from tests import factories
from tests.publishing.steps import write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.AUDIT_HEADS = tmp_path / "audit"


@pytest.fixture
def case():
    dana = factories.person("dana")
    factories.grant(factories.channel(), dana, "publisher")
    factories.departed(dana)
    offboarding.sweep()
    return OffboardingCase.objects.get(person=dana)


@pytest.mark.parametrize("who, status", [("charlie", 404), ("frank", 200), ("erin", 200)])
def test_a_case_is_need_to_know(case, who, status):
    person = factories.person(who, *(["auditor"] if who == "frank" else []))
    assert factories.signed_in(person).get(reverse("case", args=[case.pk])).status_code == status


@pytest.mark.parametrize("name", ["case_list", "evidence_list"])
def test_charlie_sees_no_list(name):
    assert factories.signed_in(factories.person("charlie")).get(reverse(name)).status_code == 403


def test_the_auditor_reads_but_does_not_close(case):
    frank = factories.signed_in(factories.person("frank", "auditor"))
    assert "Close case" not in frank.get(reverse("case", args=[case.pk])).content.decode()
    assert frank.post(reverse("case_closing", args=[case.pk])).status_code == 403


def test_what_a_leaver_answers_for_is_told_with_the_case(case, settings, tmp_path):
    """Both stand still by themselves; somebody has to hear of it."""
    settings.SEALING_KEYS = str(tmp_path / "keys")
    frank, path = factories.signed_in(factories.person("frank", "auditor")), reverse("case", args=[case.pk])
    assert "that repeat" not in (before := frank.get(path).content.decode()) and "webhook endpoint" not in before
    alice, elsewhere = factories.person("alice"), factories.channel("sandbox", handle="other")
    factories.grant(elsewhere, alice, "author")
    variant = write(alice, [elsewhere]).variants.get()
    Recurrence.objects.create(
        variant=variant, rule="FREQ=DAILY;COUNT=2", starts="2027-01-01T09:00Z", time_zone="UTC", answerable=case.person
    )
    endpoint, _ = subscribing.add_endpoint(factories.erin(), "https://hooks.example.org/", ["people"], "Our chat")
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(answerable=case.person)
    after = frank.get(path).content.decode()
    assert "1 post that repeats</b>" in after and "1 webhook endpoint</b>" in after


def test_closing_from_the_page(case):
    erin = factories.signed_in(factories.erin())
    assert erin.post(reverse("case_closing", args=[case.pk])).status_code == 302
    case.refresh_from_db()
    assert case.state == "closed"


def test_an_export_from_the_page_hands_out_a_zip(case):
    frank = factories.signed_in(factories.person("frank", "auditor"))
    page = frank.post(reverse("evidence_list"), {"at": ""}, follow=True)
    assert "Waiting for a worker" in page.content.decode()
    bundle = evidence.EvidenceBundle.objects.get()
    assert frank.get(reverse("evidence_file", args=[bundle.pk])).status_code == 404
    packing.work_due()
    assert "access.csv" in frank.get(reverse("evidence", args=[bundle.pk])).content.decode()
    answer = frank.get(reverse("evidence_file", args=[bundle.pk]))
    assert b"".join(answer.streaming_content).startswith(b"PK")


def test_a_moment_that_lies_ahead_is_refused_beside_the_field():
    frank = factories.signed_in(factories.person("frank", "auditor"))
    page = frank.post(reverse("evidence_list"), {"at": "2199-01-01T10:00"})
    assert page.status_code == 422
    assert "This moment lies ahead" in page.content.decode()


def test_the_pages_need_few_queries(case, django_assert_max_num_queries):
    erin = factories.signed_in(factories.erin())
    erin.get("/people/")  # a first request notes the session as well
    for name, args in (("case_list", []), ("case", [case.pk]), ("evidence_list", [])):
        with django_assert_max_num_queries(12):
            erin.get(reverse(name, args=args))


def test_an_administrator_who_leaves_does_not_read_their_own_case():
    ines = factories.person("ines", "admin")
    factories.departed(ines, timedelta(days=-1))
    offboarding.sweep()
    own = OffboardingCase.objects.get(person=ines)
    bundle = evidence.export_case(factories.erin(), own)
    packing.work_due()
    browser = factories.signed_in(ines)
    for name, pk in (
        ("case", own.pk),
        ("evidence", bundle.pk),
        ("evidence_file", bundle.pk),
        ("evidence_report", bundle.pk),
    ):
        assert browser.get(reverse(name, args=[pk])).status_code == 404
    assert browser.post(reverse("case_evidence", args=[own.pk])).status_code == 404
    assert browser.get(reverse("person_case", args=[ines.pk])).status_code == 204
    for name in ("case_list", "evidence_list"):
        page = browser.get(reverse(name)).content.decode()
        assert reverse("case", args=[own.pk]) not in page and reverse("evidence", args=[bundle.pk]) not in page
    with pytest.raises(PermissionDenied, match="your own departure"):
        evidence.export_case(ines, own)
    for asked in ({"kind": "person", "about": "ines@example.test"}, {"kind": "case", "about": "Ines"}):
        assert browser.post(reverse("evidence_list"), asked).status_code in (403, 422)
    period = {"kind": "period", "first": "2026-01-01", "last": "2026-02-01"}
    assert browser.post(reverse("evidence_list"), period).status_code == 403
    assert browser.get(reverse("evidence_new"), period).status_code == 403
    others = evidence.export_access(ines)
    assert browser.get(reverse("evidence", args=[others.pk])).status_code == 200


def test_asking_again_for_a_risk_that_was_accepted_says_so_on_the_page():
    dana, erin = factories.person("dana"), factories.erin()
    factories.grant(factories.channel(owner=erin), dana, "poster", door="shared_login")
    factories.departed(dana)
    offboarding.sweep()
    door = OffboardingCase.objects.get(person=dana).doors.get()
    revoking.not_provable(door.revocation, erin, "No list.")
    offboarding.accept_risk(offboarding.ask_acceptance(door, erin, "No list."), factories.person("ines", "admin"))
    page = factories.signed_in(erin).post(reverse("acceptance_new", args=[door.pk]), {"reason": "No list."})
    assert page.status_code == 422 and "Ines has accepted this already" in page.content.decode()


GOES_ON = 'hx-trigger="every 2s"'


def page_of(case) -> str:
    return factories.signed_in(factories.erin()).get(reverse("case", args=[case.pk])).content.decode()


def test_a_departure_ahead_is_a_preview_and_counts_no_doors_on_today():
    dana = factories.person("dana")
    factories.grant(factories.channel(), dana, "publisher")
    case = offboarding.open_case(factories.departed(dana, timedelta(days=-3)))
    page = page_of(case)
    assert "nothing has changed yet" in page
    assert GOES_ON not in page
    (waiting,) = queries.waiting_for(factories.erin())
    assert waiting.detail == "Nothing is shut yet: everything is at the minute they leave"


def test_a_departure_of_this_minute_is_no_preview_and_its_page_goes_on_by_itself():
    dana = factories.person("dana")
    factories.grant(factories.channel(), dana, "publisher")
    case = offboarding.open_case(factories.departed(dana))
    page = page_of(case)
    assert "Dana left on" in page
    assert "nothing has changed yet" not in page
    assert GOES_ON in page

    offboarding.sweep()
    page = page_of(case)
    assert "1 of 1" in page
    assert GOES_ON not in page
