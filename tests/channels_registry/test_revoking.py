"""Shutting a door: asked once, cut in safe order, never the last administrator, and proven by reading again."""

from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts.models import AuditEvent, Notification
from channels_registry import revoking, verifying
from channels_registry.connecting import prove
from channels_registry.models import AccessGrant, Connection, Proof
from channels_registry.models.access_grant import Door
from channels_registry.observing import decide, observe
from channels_registry.permissions import may
from channels_registry.shutting import release_blocked
from channels_registry.verifying import settle_by_list, verify, verify_due
from tests import factories
from tests.channels_registry.pictures import picture
from tests.channels_registry.places import open_place, revoke_shift

PEOPLE = [{"name": "Dana", "handle": "dana", "role": "editor"}, {"name": "Gina", "handle": "gina", "role": "admin"}]


@pytest.fixture
def live(there, transactional_db):
    """Connected, on a database of the test's own: dana with a role and an app password, gina the administrator."""
    factories.person("dana"), factories.person("gina")
    here = open_place(there, people=PEOPLE, app_passwords=[{"label": "dana"}]).connected()
    observe(here.channel)
    return here


def door_of(here, **of):
    return AccessGrant.objects.get(channel=here.channel, source="observed", revoked_at=None, **of)


# --- rights in Socialops -------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_right_here_is_shut_and_proven_in_the_same_commit(dana):
    channel = factories.channel()
    held = factories.grant(channel, dana, "publisher")
    done = revoking.request_revocation(held, factories.erin(), "moves to another team")
    assert (done.state, done.stage, done.proof) == ("done", "verified", Proof.API)
    assert not may(dana, "publish", channel) and not dana.user.has_perm("channels_registry.publish", channel)
    assert AuditEvent.objects.get(action="revocation.requested").data["reason"] == "moves to another team"


@pytest.mark.django_db
def test_asking_twice_is_one_revocation(dana):
    held = factories.grant(factories.channel(), dana, "publisher")
    first = revoking.request_revocation(held, factories.erin(), "leaves")
    assert revoking.request_revocation(held, None, "leaves") == first
    assert AuditEvent.objects.filter(action="revocation.requested").count() == 1


@pytest.mark.django_db
def test_charlie_may_not_ask_and_may_not_take_attest_or_confirm(dana):
    charlie = factories.person("charlie")
    held = factories.grant(factories.channel(), dana, "poster", door=Door.SHARED_LOGIN, label="Vault")
    with pytest.raises(PermissionDenied):
        revoking.request_revocation(held, charlie, "because")
    task = revoking.request_revocation(held, factories.erin(), "leaves")
    for verb in (
        lambda: revoking.take(task, charlie),
        lambda: revoking.attest(task, charlie, "done", picture()),
        lambda: revoking.by_hand(task, charlie),
        lambda: revoking.try_again(task, charlie),
        lambda: revoking.not_provable(task, charlie, "no"),
        lambda: revoking.withdraw(task, charlie, "no"),
    ):
        with pytest.raises(PermissionDenied):
            verb()
    revoking.attest(task, factories.erin(), "done", picture())
    with pytest.raises(PermissionDenied):
        revoking.confirm(task, charlie)


@pytest.mark.django_db
def test_a_reason_is_needed(dana):
    held = factories.grant(factories.channel(), dana, "publisher")
    with pytest.raises(ValidationError, match="Say why"):
        revoking.request_revocation(held, factories.erin(), "  ")


# --- by the network's API -------------------------------------------------------------------------------------------


def test_an_app_password_is_revoked_read_again_tried_and_proven(live):
    door = door_of(live, door="app_password", label="dana")
    revocation = revoke_shift(revoking.request_revocation(door, factories.erin(), "leaves"))
    assert (revocation.stage, revocation.proof, revocation.guided) == ("verified", Proof.API, False)
    assert "not among the 3 doors" in revocation.proof_detail and "refused" in revocation.proof_detail
    door.refresh_from_db()
    assert door.revoked_at and door.revoked_by == factories.erin()
    assert [a.outcome for a in revocation.attempts.order_by("fence")] == ["continued", "accepted"]
    assert AuditEvent.objects.filter(action="revocation.proven").exists()
    assert observe(live.channel).doors == 3


def test_what_lives_on_is_said_with_its_end(live):
    live.there.promise(residual_seconds=3600)
    live.there.token(live.door("dana")["id"])
    revocation = revoke_shift(
        revoking.request_revocation(door_of(live, door="app_password", label="dana"), None, "left")
    )
    assert revocation.proof == Proof.API
    assert "already open: 1" in revocation.residual and revocation.residual_until is not None


@pytest.mark.parametrize("fault", ["reset_after", "error_after", "garbage"])
def test_a_lost_answer_is_looked_for_and_the_door_is_proven_shut(live, fault, settings):
    settings.PACE = 0.02
    live.there.fault(fault, match={"method": "DELETE"})
    revocation = revoke_shift(revoking.request_revocation(door_of(live, door="app_password"), None, "left"))
    assert (revocation.state, revocation.stage, revocation.proof) == ("done", "verified", Proof.API)


def test_a_network_that_says_yes_and_does_nothing_is_caught_and_a_person_is_asked(live, settings):
    settings.PACE = 0.005
    live.there.fault("lie", count=-1, match={"method": "DELETE"})
    revocation = revoke_shift(revoking.request_revocation(door_of(live, door="app_password"), None, "left"))
    assert (revocation.state, revocation.guided, revocation.proof) == ("needs_human", True, "")
    assert "accepted it 3 times" in revocation.reason and "still on the network’s list" in revocation.reason
    assert AuditEvent.objects.filter(action="revocation.still_open").count() == 2  # asked again, and again
    assert revocation.assigned_to == factories.person("gina")
    assert Notification.objects.filter(kind="revocation.waits", person=factories.person("gina")).exists()


def test_a_network_that_lied_once_is_asked_again_and_then_believed_by_its_list(live, settings):
    """The control of the test above: the same lie, told once."""
    settings.PACE = 0.02
    live.there.fault("lie", match={"method": "DELETE"})
    revocation = revoke_shift(revoking.request_revocation(door_of(live, door="app_password"), None, "left"))
    assert (revocation.state, revocation.stage, revocation.proof) == ("done", "verified", Proof.API)
    assert AuditEvent.objects.filter(action="revocation.still_open").count() == 1


def test_the_last_administrator_is_kept_until_another_stands(live):
    gina, ines = factories.person("gina"), factories.person("ines", "admin")
    revocation = revoke_shift(revoking.request_revocation(door_of(live, person=gina), ines, "leaves"))
    assert revocation.state == "blocked" and "last administrator" in revocation.reason
    assert door_of(live, person=gina).revoked_at is None
    assert release_blocked() == 0
    live.there.door(live.account["id"], "role", "admin", name="Dana", handle="dana2")
    observe(live.channel)
    newcomer = AccessGrant.objects.get(channel=live.channel, identity__handle="dana2")
    decide(newcomer.identity, factories.person("alice"), ines)
    assert release_blocked() == 1
    assert revoke_shift(revocation).proof == Proof.API


def test_two_administrators_who_leave_together_are_both_kept(live):
    live.there.door(live.account["id"], "role", "admin", name="Dana", handle="dana", holder_id="dana-admin")
    observe(live.channel)
    asked = [
        revoking.request_revocation(grant, None, "left")
        for grant in AccessGrant.objects.filter(channel=live.channel, entitlement="admin", revoked_at=None)
    ]
    assert len(asked) == 2 and [revoke_shift(each).state for each in asked] == ["blocked", "blocked"]


def test_our_own_door_is_never_cut(live):
    ours = door_of(live, ours=True)
    with pytest.raises(ValidationError, match="itself uses this door"):
        revoking.request_revocation(ours, factories.erin(), "tidy up")
    door = door_of(live, door="app_password")
    revocation = revoking.request_revocation(door, factories.erin(), "leaves")
    AccessGrant.objects.filter(pk=door.pk).update(ours=True)  # it became ours while it waited
    assert revoke_shift(revocation).state == "blocked"


def test_without_a_connection_it_is_a_guided_task_and_with_a_dead_one_it_waits_in_sight(live):
    revocation = revoking.request_revocation(door_of(live, door="app_password"), None, "left")
    Connection.objects.filter(channel=live.channel, state="live").update(state="disconnected")
    blocked = revoke_shift(revocation)
    assert blocked.state == "blocked" and "by hand" in blocked.reason
    assert revoking.by_hand(blocked, factories.erin()).guided
    other = revoking.request_revocation(door_of(live, door="role", entitlement="editor"), None, "left")
    assert other.guided and other.state == "needs_human"


def test_a_dead_token_blocks_and_says_so_once(live):
    live.there.kill_token(live.account["token"])
    revocation = revoke_shift(revoking.request_revocation(door_of(live, door="app_password"), None, "left"))
    assert revocation.state == "blocked"
    assert Connection.objects.get(channel=live.channel).state == "disconnected"


def test_what_a_dead_token_blocked_goes_on_when_the_channel_is_connected_again(live):
    live.there.kill_token(live.account["token"])
    revocation = revoke_shift(revoking.request_revocation(door_of(live, door="app_password"), None, "left"))
    assert release_blocked() == 0
    prove(live.hand_over(live.there.token(live.door("Socialops")["id"])))
    assert release_blocked() == 1
    assert revoke_shift(revocation).proof == Proof.API


def test_what_no_key_here_opens_is_not_tried_each_second_and_goes_on_once_a_key_does(live, settings):
    keys, away = Path(settings.SEALING_KEYS), Path(settings.SEALING_KEYS).with_name("away")
    private = keys / "connections-1.private"
    private.rename(away)
    revocation = revoke_shift(revoking.request_revocation(door_of(live, door="app_password"), None, "left"))
    assert revocation.state == "blocked" and "cannot be opened" in revocation.reason
    assert release_blocked() == 0
    assert observe(live.channel) is None and release_blocked() == 0
    assert AuditEvent.objects.filter(action="revocation.blocked").count() == 1
    away.rename(private)
    observe(live.channel)
    assert release_blocked() == 1
    assert revoke_shift(revocation).proof == Proof.API


# --- read again -----------------------------------------------------------------------------------------------------


def test_what_people_attest_and_the_network_can_show_is_read_again(live):
    revocation = revoking.request_revocation(door_of(live, door="app_password"), factories.erin(), "leaves")
    revoking.by_hand(revocation, factories.erin())
    revoking.attest(revocation, factories.erin(), "Done on their page.")
    verify_due()
    revocation.refresh_from_db()
    assert revocation.stage == "failed" and "still on" in revocation.reason  # it was not done
    live.shut_there(revocation.grant.remote_id)
    revoking.attest(revocation, factories.erin(), "Now it is.")
    verify_due()
    revocation.refresh_from_db()
    assert (revocation.stage, revocation.proof) == ("verified", Proof.API)


def test_a_door_that_somebody_shut_over_there_meanwhile_is_proven_by_the_list(live):
    revocation = revoking.request_revocation(door_of(live, door="app_password"), factories.erin(), "leaves")
    revoking.by_hand(revocation, factories.erin())
    live.shut_there(revocation.grant.remote_id)
    observe(live.channel)
    settle_by_list()
    revocation.refresh_from_db()
    assert (revocation.stage, revocation.proof) == ("verified", Proof.API)


def test_a_proven_door_that_is_open_again_is_found(live, monkeypatch):
    open_doors = verifying.read_doors(verifying.live_connection(live.channel))
    revocation = revoke_shift(revoking.request_revocation(door_of(live, door="app_password"), None, "left"))
    assert (verify(revocation).stage, revocation.proof) == ("verified", Proof.API)
    monkeypatch.setattr(verifying, "read_doors", lambda _: open_doors)  # the network gave it back
    found = verify(revocation)
    assert (found.stage, found.proof, found.guided) == ("failed", "", True)
    assert AuditEvent.objects.filter(action="revocation.open_again", subject_id=str(found.pk)).exists()
