"""Accounts that imitate ours: reported by anybody, looked at within a clock, dealt with by name."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from channels_registry import impersonating, retiring
from channels_registry.models import Channel, ImpostorReport
from channels_registry.models.impostor import IMPOSTOR_MOVES
from channels_registry.permissions import may
from channels_registry.queries.impostors import alike_among_ours, look_like
from channels_registry.queries.waiting import trouble
from channels_registry.registering import register_channel
from tests import factories, files

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return factories.person("alice")


@pytest.fixture
def gina():
    return factories.person("gina")


@pytest.fixture
def erin():
    return factories.erin()


@pytest.fixture
def fernhill(gina, erin):
    return register_channel("sandbox", "@fernhill", "Fernhill", erin, owner=gina, audience_size=100)


@pytest.fixture
def report(alice, fernhill):
    return impersonating.report(alice, "TikTok", "@fernhi11_official", "It promises vouchers.", imitates=fernhill)


def test_anybody_reports_and_who_answers_for_the_channel_is_told(report, alice, gina, fernhill):
    assert (report.network, report.state, report.owner, report.risk_tier) == ("tiktok", "reported", gina, "low")
    assert report.due_at - timezone.now() > timedelta(hours=71)
    assert [each.title for each in trouble(gina)] == ["Look at it: @fernhi11_official on Tiktok"]
    assert AuditEvent.objects.get(action="impostor.reported").actor == alice


def test_the_clock_runs_by_the_risk_of_what_is_imitated(alice, fernhill):
    Channel.objects.update(risk_tier="high")
    made = impersonating.report(alice, "x", "fernhill", "It asks for cards.", imitates=Channel.objects.get())
    assert timedelta(hours=3) < made.due_at - timezone.now() <= timedelta(hours=4)


def test_the_same_account_is_reported_once(report, gina):
    assert impersonating.report(gina, "tiktok", "FERNHI11_official", "Again.") == report


@pytest.mark.parametrize(
    ("network", "handle", "url", "field"),
    [("", "a", "", "network"), ("../x", "a", "", "network"), ("tiktok", " ", "", "handle"),
     ("tiktok", "a", "javascript:1", "url"), ("sandbox", "FERNHILL", "", "handle")],
)  # fmt: skip
def test_a_report_names_an_account_that_is_not_ours(alice, fernhill, network, handle, url, field):
    with pytest.raises(ValidationError) as refused:
        impersonating.report(alice, network, handle, "It asks for cards.", url=url)
    assert field in refused.value.error_dict


def test_the_evidence_is_a_picture_and_is_hashed(alice, fernhill):
    with pytest.raises(ValidationError, match="neither a PNG"):
        impersonating.report(alice, "x", "fernhill", "See.", file=files.handed_in(b"<html>", "a.png"))
    assert impersonating.report(alice, "x", "fernhill", "See.", file=files.handed_in(files.jpeg())).evidence_sha256


def test_an_impostor_is_reported_to_its_network_with_the_number_and_taken_down(report, gina):
    impersonating.decide(report, "impostor", gina, "It asks for card numbers.")
    with pytest.raises(ValidationError, match="number of the case"):
        impersonating.step(report, "network", gina, "Reported as an impostor.")
    impersonating.step(report, "network", gina, "Reported as an impostor.", "TT-4711")
    done = impersonating.decide(report, "taken_down", gina, "Its page is gone.")
    assert (done.state, done.due_at) == ("taken_down", None)
    kinds = list(report.steps.order_by("pk").values_list("kind", "reference"))
    assert kinds == [("decided", ""), ("network", "TT-4711"), ("decided", "")]
    again = impersonating.decide(report, "reported", gina, "It is back.")
    assert again.due_at
    events = AuditEvent.objects.filter(action="impostor.decided").order_by("pk")
    assert [each.data["state"] for each in events] == ["impostor", "taken_down", "reported"]


def test_a_stray_of_ours_is_adopted_by_an_administrator(alice, gina, erin, fernhill):
    stray = impersonating.report(alice, "sandbox", "canteen", "The canteen posts its menu.", imitates=fernhill)
    with pytest.raises(ValidationError, match="known to be ours"):
        impersonating.adopt(stray, erin, "Canteen", gina)
    impersonating.decide(stray, "rogue", gina, "The canteen says so.")
    with pytest.raises(PermissionDenied):
        impersonating.adopt(stray, gina, "Canteen", alice)
    channel = impersonating.adopt(stray, erin, "Canteen", alice)
    stray.refresh_from_db()
    assert (stray.state, stray.adopted_as, channel.state) == ("adopted", channel, "live") and may(
        alice, "manage", channel
    )
    assert AuditEvent.objects.get(action="impostor.adopted").data["channel"] == channel.pk


def test_a_channel_that_was_lost_and_speaks_against_us_is_an_impostor(alice, gina, erin, fernhill):
    with pytest.raises(ValidationError, match="registered as ours"):
        impersonating.report(alice, "sandbox", "fernhill", "It sells watches.")
    retiring.lose(fernhill, gina, "The password was changed.")
    report = impersonating.report(alice, "sandbox", "fernhill", "It sells watches.", imitates=fernhill)
    impersonating.decide(report, "impostor", gina, "It is not us.")
    assert Channel.objects.get().state == "impostor"
    retiring.recover(fernhill, gina, "The network gave it back.")
    assert Channel.objects.get().state == "live"


def test_who_may_not_deal_with_it_does_not_and_who_did_not_report_it_does_not_see_it(report, alice):
    charlie = factories.person("charlie")
    for who in (alice, charlie):
        with pytest.raises(PermissionDenied):
            impersonating.decide(report, "harmless", who, "So.")
    url = reverse("impostor", args=[report.pk])
    assert factories.signed_in(charlie).get(url).status_code == 404
    assert "What it is" not in factories.signed_in(alice).get(url).content.decode()


def test_handles_that_are_read_as_one_another_are_found_by_rule(fernhill, erin):
    for handle in ("fernhi11", "Fernhill.official", "fernhіll", "femhill"):
        assert look_like(handle) == [fernhill]
    assert look_like("fernhall") == []
    assert alike_among_ours() == []
    other = register_channel("sandbox", "fern-hill", "Another", erin)
    assert alike_among_ours() == [[fernhill, other]]


def test_the_database_refuses_a_move_that_is_not_declared(report):
    for after in set(ImpostorReport.State.values) - IMPOSTOR_MOVES["reported"] - {"reported"}:
        with pytest.raises(DatabaseError), transaction.atomic():
            ImpostorReport.objects.update(state=after)


def test_the_pages_lead_from_a_report_to_its_end(alice, gina, fernhill):
    factories.grant(fernhill, alice, "viewer")
    browser, lead = factories.signed_in(alice), factories.signed_in(gina)
    said = {"network": "x", "handle": "fernhi11", "seen": "", "imitates": fernhill.pk}
    assert browser.post(reverse("impostor_new"), said).status_code == 422
    url = browser.post(reverse("impostor_new"), {**said, "seen": "It asks for cards."}).url
    assert "Ours that are read as this one" in lead.get(url).content.decode()
    assert lead.post(url + "decision/", {"state": "taken_down", "why": "So."}).status_code == 422
    lead.post(url + "decision/", {"state": "impostor", "why": "It asks for cards."})
    lead.post(url + "step/", {"kind": "network", "text": "Reported.", "reference": "4711"})
    assert "4711" in lead.get(url).content.decode()
    assert "fernhi11" in lead.get(reverse("impostor_list")).content.decode()
