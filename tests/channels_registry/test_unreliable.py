"""A network that cannot be relied on while doors are shut: what it says wrong is found, what it loses is looked for.

Each fault has its control: the same door, with nothing wrong.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from channels_registry import requesting, revoking
from channels_registry.models import AccessGrant, ConnectionBudget, Proof, Revocation
from channels_registry.observing import observe
from tests import factories
from tests.channels_registry.places import open_place, revoke_shift

LABELS = [f"dana {n}" for n in range(4)]


@pytest.fixture
def live(there, transactional_db, settings):
    """Connected, on a database of the test's own: dana with four app passwords, gina the administrator."""
    settings.PACE = 0.02
    dana = factories.person("dana")
    people = [{"name": "Gina", "handle": "gina", "role": "admin"}]
    here = open_place(there, people=people, app_passwords=[{"label": each} for each in LABELS]).connected()
    observe(here.channel)
    AccessGrant.objects.filter(label__in=LABELS).update(person=dana)
    return here


def asked(live) -> list[Revocation]:
    return requesting.request_all(AccessGrant.objects.standing().filter(person=factories.person("dana")), "left")


def settled(rows: list[Revocation], shifts: int = 30) -> list[Revocation]:
    """Run the lane until none of them moves any more by itself."""
    for _ in range(shifts):
        if not Revocation.objects.filter(pk__in=[r.pk for r in rows], state__in=["scheduled", "sending", "unknown"]):
            break
        revoke_shift()
    return list(Revocation.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk"))


def proofs(rows) -> set[tuple[str, str]]:
    return {(row.stage, row.proof) for row in rows}


def test_the_control_a_network_that_keeps_its_word(live):
    rows = settled(asked(live))
    assert proofs(rows) == {("verified", Proof.API)} and len(live.there.shut()) == 4


def test_half_a_list_proves_nothing_and_nobody_is_taken_for_gone(live):
    live.there.fault("half_list", count=-1, match={"path": "/doors", "method": "GET"})
    rows = asked(live)
    for _ in range(3):
        revoke_shift()
    assert not Revocation.objects.filter(stage="verified").exists()
    assert observe(live.channel) is None
    assert AccessGrant.objects.standing().filter(channel=live.channel, source="observed").count() == 6
    live.there.no_faults()
    assert proofs(settled(rows)) == {("verified", Proof.API)}
    assert AccessGrant.objects.standing().filter(channel=live.channel, identity__handle="gina").exists()


@pytest.mark.parametrize("fault", ["reset_after", "error_after", "garbage"])
def test_every_answer_is_lost_and_every_door_is_looked_for_and_proven(live, fault):
    live.there.fault(fault, count=4, match={"method": "DELETE"})
    assert proofs(settled(asked(live))) == {("verified", Proof.API)}


def test_a_door_that_was_shut_already_is_proven_and_a_second_revocation_does_no_harm(live):
    rows = asked(live)
    live.shut_there(rows[0].grant.remote_id)
    rows = settled(rows)
    assert proofs(rows) == {("verified", Proof.API)}
    assert [each["door"] for each in live.there.shut()].count(rows[0].grant.remote_id) == 2
    assert observe(live.channel).doors == 2  # gina, and ours


def test_a_network_that_wants_silence_gets_it_and_no_try_is_lost(live):
    live.there.fault("storm", count=2, match={"method": "DELETE"}, seconds=1)
    rows = settled(asked(live))
    assert proofs(rows) == {("verified", Proof.API)} and {row.tries for row in rows} == {0}
    assert ConnectionBudget.objects.get(connection__channel=live.channel).cooldown_until


def test_a_network_that_is_away_for_long_is_tried_again_and_costs_nobody_work(live):
    """An hour at real pace: more rounds of tries than any one row has."""
    live.there.fault("error_before", count=-1, match={"method": "DELETE"})
    rows = asked(live)
    for _ in range(12):
        revoke_shift()
        Revocation.objects.filter(state="scheduled").update(next_attempt_at=timezone.now())
        ConnectionBudget.objects.update(breaker="closed", breaker_until=None)
    assert AuditEvent.objects.filter(action="revocation.put_off").exists(), "the control: tries had been used up"
    assert not Revocation.objects.filter(guided=True).exists()
    live.there.no_faults()
    Revocation.objects.filter(state="scheduled").update(next_attempt_at=timezone.now())
    assert proofs(settled(rows)) == {("verified", Proof.API)}


def test_when_half_of_the_time_is_gone_a_person_is_asked(live):
    live.there.fault("error_before", count=-1, match={"method": "DELETE"})
    (row, *_) = asked(live)
    Revocation.objects.filter(pk=row.pk).update(due_at=timezone.now() - timedelta(hours=13))
    for _ in range(25):
        revoke_shift()
        Revocation.objects.filter(pk=row.pk, state="scheduled").update(next_attempt_at=timezone.now())
        ConnectionBudget.objects.update(breaker="closed", breaker_until=None)
        row.refresh_from_db()
        if row.guided:
            break
    assert (row.state, row.guided) == ("needs_human", True) and row.assigned_to == factories.person("gina")


def test_a_door_whose_level_changes_meanwhile_is_shut_all_the_same(live):
    door = live.there.door(live.account["id"], "role", "editor", name="Dana", handle="dana")
    observe(live.channel)
    grant = AccessGrant.objects.standing().get(channel=live.channel, remote_id=door["id"])
    revocation = revoking.request_revocation(grant, None, "left")
    AccessGrant.objects.filter(pk=grant.pk).update(entitlement="publish")  # as it was said before; now it is editor
    observe(live.channel)
    revocation.refresh_from_db()
    assert revocation.grant_id != grant.pk and revocation.grant.entitlement == "editor"
    assert proofs(settled([revocation])) == {("verified", Proof.API)}


def test_a_token_that_is_out_lives_on_with_its_end_in_sight_and_is_read_by_the_network(live):
    live.there.promise(residual_seconds=3600)
    rows = asked(live)
    live.there.token(rows[0].grant.remote_id)
    first, *others = settled(rows)
    assert "already open: 1" in first.residual and first.residual_until > timezone.now() + timedelta(minutes=50)
    assert {row.residual for row in others} == {""}, "the control: no token was out"
