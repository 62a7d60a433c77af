"""Connecting: web seals, a worker proves, a refusal replaces nothing, and a good token is never lost."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts.models import AuditEvent, Notification
from channels_registry import sealing
from channels_registry.connecting import _same_handle, connect, disconnect, prove
from channels_registry.models import AccessGrant, Connection
from channels_registry.polling import prove_due
from socialops.logs import configuration
from tests import factories


def test_what_web_commits_is_sealed_and_asks_the_network_nothing(place):
    here = place()
    here.there.forget_arrivals()
    made = here.hand_over()
    assert made.state == "pending" and made.fields == {"base_url": here.there.url}
    assert here.account["token"].encode() not in bytes(made.sealed_secrets)
    assert AuditEvent.objects.get(action="connection.asked").actor == factories.erin()
    assert here.account["token"] not in str(list(AuditEvent.objects.values()))


def test_a_worker_proves_it_and_records_our_own_door(place):
    here = place("acme")
    proven = prove(here.hand_over())
    assert (proven.state, proven.handle, proven.remote_id) == ("live", "acme", here.account["id"])
    assert AccessGrant.objects.get(channel=here.channel, ours=True).label == "Socialops"
    assert sealing.open_sealed(proven)["token"] == here.account["token"]
    assert AuditEvent.objects.filter(action="connection.proven").exists()


def test_the_task_takes_each_turn_once(place):
    place("acme").hand_over()
    assert prove_due() == 1 and prove_due() == 0


def test_charlie_may_not_connect(place):
    with pytest.raises(PermissionDenied):
        place().hand_over(by=factories.person("charlie"))


def test_a_publisher_may_not_connect_and_a_manager_may(place):
    here, alice = place(), factories.person("alice")
    factories.grant(here.channel, alice, "publisher")
    with pytest.raises(PermissionDenied):
        here.hand_over(by=alice)
    factories.grant(here.channel, alice, "manager")
    assert here.hand_over(by=alice).authorised_by == alice


def test_a_wrong_token_is_refused_with_what_to_mend_and_the_old_connection_lives(place):
    here = place().connected()
    refused = prove(here.hand_over(token="wrong"))
    assert refused.state == "refused" and "Copy it again" in refused.trouble
    assert bytes(refused.sealed_secrets) == b""
    assert Connection.objects.get(channel=here.channel, state="live").handle == "acme"
    assert Notification.objects.filter(kind="connection.refused").count() == 1


def test_keys_of_another_account_are_refused(place, there):
    here, other = place("acme"), there.account("other")
    refused = prove(here.hand_over(token=other["token"]))
    assert refused.state == "refused" and "belong to other" in refused.trouble


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("acme", "acme@example.social", True),
        ("acme@example.social", "acme", True),
        ("acme@one.social", "acme@other.social", False),
        ("acme.bsky.social", "acme.bsky.social", True),
        ("acme", "acme2", False),
    ],
)
def test_the_server_counts_only_where_both_say_it(one, other, same):
    assert _same_handle(one, other) is same


def test_a_network_that_is_away_is_asked_again_and_given_up_after_ten_minutes(place):
    here = place()
    made = here.hand_over()
    Connection.objects.filter(pk=made.pk).update(fields={"base_url": "http://127.0.0.1:9"})
    waiting = prove(made)
    assert waiting.state == "pending" and "cannot be reached" in waiting.trouble
    Connection.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(minutes=11))
    assert prove(made).state == "refused"


def test_a_newer_connection_takes_the_place_of_the_older_and_its_secrets_are_wiped(place):
    here = place().connected()
    prove(here.hand_over())
    states = dict(Connection.objects.order_by("pk").values_list("state", "sealed_secrets"))
    assert set(states) == {"ended", "live"} and bytes(states["ended"]) == b""


@pytest.mark.parametrize("missing", ["base_url", "token"])
def test_a_missing_answer_is_named(place, missing):
    here = place()
    fields, secrets = {"base_url": here.there.url}, {"token": "x"}
    (fields if missing in fields else secrets)[missing] = " "
    with pytest.raises(ValidationError) as refusal:
        connect(here.channel, fields, secrets, factories.erin())
    assert missing in refusal.value.message_dict


def test_disconnecting_ends_the_connection_at_once_and_charlie_may_not(place):
    here = place().connected()
    with pytest.raises(PermissionDenied):
        disconnect(here.channel, factories.person("charlie"), "because")
    disconnect(here.channel, factories.erin(), "no longer ours")
    ended = Connection.objects.get(channel=here.channel)
    assert ended.state == "ended" and ended.given_back == "asked"  # the rest is a worker's: test_parting


@pytest.mark.parametrize("readable", [True, False])
def test_no_traceback_shows_the_secrets_in_its_frames(place, monkeypatch, caplog, readable):
    from channels_registry.networks.sandbox import Sandbox

    async def breaks(self, fields, secrets, http):
        raise ZeroDivisionError("a class with a mistake")

    monkeypatch.setattr(Sandbox, "connect", breaks)
    here = place()
    made = prove(here.hand_over())
    assert made.state == "pending" and "cannot be read" in made.trouble
    line = configuration(readable=readable, level="INFO")["formatters"]["line"]
    formatter = line["()"](foreign_pre_chain=line["foreign_pre_chain"], processors=line["processors"])
    written = [formatter.format(record) for record in caplog.records if record.exc_info]
    assert written and "ZeroDivisionError" in written[0]
    assert here.account["token"] not in "".join(written)
