"""Webhooks out: told once of each event in the order of commits, signed, under one id however often they are sent."""

import json
import threading

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.db.models.functions import Now
from standardwebhooks import Webhook, WebhookVerificationError

from accounts import announcing, audit, calling, chaining, people, subscribing
from accounts.calling import LANE
from accounts.models import AuditEvent, AuditSeal, Notification, WebhookDelivery
from channels_registry import access, registering  # noqa: F401 (its actions are registered)
from tests import shifts
from tests.accounts.receiver import receiver
from tests.factories import channel, departed, erin, grant, person

audit.register("role.tested", "did a test")
UNDER_WAY = ("scheduled", "sending", "unknown")


@pytest.fixture(autouse=True)
def quick(settings, tmp_path):
    settings.PACE, settings.PRIVATE_HOSTS, settings.SEALING_KEYS = 0.02, ["127.0.0.1"], str(tmp_path / "keys")


@pytest.fixture
def there():
    with receiver() as found:
        yield found


def subscribe(url="https://hooks.example.org/in", events=("people",), **more):
    made, secret = subscribing.add_endpoint(erin(), url, events, "Our chat", **more)
    made.secret = secret
    return made


def happen(action="role.tested", subject=None, by=None, **data):
    with transaction.atomic():
        audit.record(by or erin(), action, subject or erin(), **data)


def tell():
    chaining.seal()
    return announcing.announce()


def deliver():
    """A shift until nothing is under way at the endpoints."""
    shifts.run(LANE, until=lambda: not WebhookDelivery.objects.filter(state__in=UNDER_WAY).exists())


def told(endpoint):
    return list(endpoint.deliveries.order_by("pk").values_list("action", flat=True))


# --- What is told ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_endpoint_is_told_once_of_what_it_asked_for_from_now_on():
    happen(n=0)
    chaining.seal()
    one, other = subscribe(), subscribe(events=["role.given"])
    happen(n=1)
    assert (tell(), tell()) == (3, 0), "the second look finds nothing new"
    assert told(one) == ["webhook.added", "webhook.added", "role.tested"] and told(other) == []
    people.give_role(person("gina"), "social_lead", erin())
    tell()
    assert told(other) == ["role.given"]
    one.refresh_from_db()
    subscribing.WebhookEndpoint.objects.filter(pk=one.pk).update(seq=0)  # as if a restart had forgotten where it was
    tell()
    assert len(told(one)) == len(set(one.deliveries.values_list("event", flat=True)))


@pytest.mark.django_db(transaction=True)
def test_what_commits_late_is_told_although_later_ids_were_told_before():
    """The control reads by id, as a naive cursor would, and never sees the late one."""
    endpoint, by_id, naive = subscribe(), [], 0
    first = erin()
    begun, finish = threading.Event(), threading.Event()

    def slow():
        with transaction.atomic():
            audit.record(first, "role.tested", first, late=True)
            begun.set()
            finish.wait(20)
        connection.close()

    def look():
        nonlocal naive
        new = list(AuditEvent.objects.filter(pk__gt=naive, action="role.tested").order_by("pk"))
        naive = new[-1].pk if new else naive
        by_id.extend(event.data.get("late", False) for event in new)

    late = threading.Thread(target=slow)
    late.start()
    begun.wait(20)
    happen(n=1)
    look(), tell()
    finish.set()
    late.join()
    look(), tell()
    assert by_id == [False], "the control must lose it, or this proves nothing"
    events = endpoint.deliveries.filter(action="role.tested").order_by("pk").values_list("event", flat=True)
    assert [AuditEvent.objects.get(pk=pk).data.get("late", False) for pk in events] == [False, True]


@pytest.mark.django_db
def test_two_at_once_tell_it_once_and_what_broke_halfway_is_told_by_the_next(monkeypatch):
    endpoint = subscribe()
    happen()
    chaining.seal()
    with monkeypatch.context() as broken:
        broken.setattr(announcing, "_deliveries", lambda *_: 1 / 0)
        assert announcing.announce() == 0
    endpoint.refresh_from_db()
    assert endpoint.seq < AuditSeal.objects.latest("seq").seq
    assert announcing.announce() and not announcing.announce()


@pytest.mark.django_db
def test_where_nothing_is_new_any_number_of_endpoints_costs_the_same(django_assert_max_num_queries):
    """It is asked every second."""
    for _ in range(5):
        subscribe()
    tell()
    with django_assert_max_num_queries(5):
        assert announcing.announce() == 0


@pytest.mark.django_db
def test_the_trail_says_where_it_goes_and_not_the_secret_that_many_addresses_end_with():
    endpoint = subscribe("https://hooks.example.org/services/s3cret")
    subscribing.change_endpoint(endpoint, erin(), url="https://chat.example.org/other-s3cret?key=s3cret")
    added, changed = AuditEvent.objects.filter(action__startswith="webhook.").order_by("pk")
    assert added.data["url"] == changed.data["was"]["url"] == "https://hooks.example.org"
    assert changed.data["changed"] == {"url": "https://chat.example.org"}


@pytest.mark.django_db
def test_what_is_said_is_thin():
    """Whose event it was, of which thing; no text, no reason, no address of anybody."""
    endpoint = subscribe(events=["people"])
    happen(reason="She shouted", email="dana@example.test", url="https://net.example/1", revision=3)
    tell()
    body = json.loads(endpoint.deliveries.latest("pk").body)
    assert body["type"] == "role.tested" and body["timestamp"].endswith("Z")
    assert body["data"]["by"] == {"id": erin().pk, "name": "Erin"}
    assert body["data"]["subject"]["page"].endswith(f"/people/{erin().pk}/")
    assert (body["data"]["url"], body["data"]["revision"]) == ("https://net.example/1", 3)
    assert "shouted" not in str(body) and "dana@" not in str(body)


@pytest.mark.django_db
def test_every_action_belongs_to_one_family():
    import socialops.urls  # noqa: F401 (every verb is known)

    families = [family for action in audit.LABELS for family in [announcing.family_of(action)]]
    lost = [action for action, family in zip(audit.LABELS, families, strict=True) if family is None]
    assert [action for action in lost if not action.startswith("test.")] == [], "add its noun to <app>/announcing.py"
    nouns = [noun for family in announcing.FAMILIES.values() for noun in family.nouns]
    assert len(nouns) == len(set(nouns))


# --- Who may be told -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_it_says_what_its_answerable_person_may_see_and_no_more():
    acme, other = channel(name="Acme"), channel(name="Other")
    grant(acme, person("dana"), "viewer")
    whole, some = (
        subscribe(events=["channels", "people"]),
        subscribe(events=["channels", "people"], answerable=person("dana")),
    )
    chosen = subscribe(events=["channels"], channels=[other.pk])
    for each in (acme, other):
        happen("channel.changed", each)
    happen("role.tested")
    tell()
    rows = {each: each.deliveries.exclude(action__startswith="webhook") for each in (whole, some, chosen)}
    seen = {each: list(found.order_by("pk").values_list("channels", flat=True)) for each, found in rows.items()}
    assert seen == {whole: [[acme.pk], [other.pk], []], some: [[acme.pk]], chosen: [[other.pk]]}
    assert "Other" not in "".join(some.deliveries.values_list("body", flat=True))


@pytest.mark.django_db
def test_nobody_chooses_a_channel_that_its_answerable_person_does_not_see():
    acme = channel()
    with pytest.raises(ValidationError, match="does not see"):
        subscribe(channels=[acme.pk], answerable=person("charlie"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("asked", ["at the fan-out", "at the sending"])
def test_the_right_is_asked_when_it_is_told_and_again_when_it_is_sent(there, asked):
    acme = channel(name="Acme")
    held = grant(acme, person("dana"), "viewer")
    endpoint = subscribe(there.url + "/in", ["channels"], answerable=person("dana"))
    happen("channel.changed", acme)
    if asked == "at the sending":
        tell()
    access.revoke(held, erin(), "test")
    tell()
    deliver()
    assert there.taken == []
    states = list(endpoint.deliveries.filter(action="channel.changed").values_list("state", flat=True))
    assert states == (["blocked"] if asked == "at the sending" else [])


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_of_a_leaver_stops_at_the_minute_and_goes_on_with_whoever_takes_it_over(there):
    dana = person("dana", "admin")
    endpoint = subscribe(there.url + "/in", answerable=dana)
    happen(n=1)
    tell()
    departed(dana)
    happen(n=2)
    tell()
    deliver()
    assert there.taken == [] and set(endpoint.deliveries.values_list("state", flat=True)) <= {"blocked", "held"}
    assert "Somebody has to take it over" in Notification.objects.get(person=erin(), kind="webhook.trouble").text
    with pytest.raises(PermissionDenied):
        subscribing.adopt(endpoint, person("charlie"))
    with pytest.raises(ValidationError, match="has left"):
        subscribing.adopt(endpoint, erin(), dana)
    subscribing.adopt(endpoint, erin())
    assert AuditEvent.objects.get(action="webhook.adopted").data["was"] == dana.pk
    tell()
    deliver()
    kinds = [json.loads(body)["type"] for _, body in there.at("/in")]
    assert kinds.count("role.tested") == 2 and "departure.recorded" in kinds, "nothing was lost meanwhile"


@pytest.mark.django_db
@pytest.mark.parametrize("verb", ["add", "change", "renew_secret", "pause", "resume", "adopt", "remove", "send_test"])
def test_charlie_arranges_no_webhooks(verb):
    endpoint, charlie = subscribe(), person("charlie")
    with pytest.raises(PermissionDenied):
        if verb == "add":
            subscribing.add_endpoint(charlie, "https://example.org/", ["people"], "Mine")
        elif verb == "change":
            subscribing.change_endpoint(endpoint, charlie, description="Mine")
        else:
            getattr(subscribing, verb)(endpoint, charlie)


# --- How it is sent --------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_receiver_verifies_the_bytes_it_got_and_both_secrets_sign_for_a_day(there):
    endpoint = subscribe(there.url + "/in")
    _, new = subscribing.renew_secret(endpoint, erin())
    subscribing.send_test(endpoint, erin())
    deliver()
    ((headers, body),) = there.at("/in")
    for secret in (endpoint.secret, new):
        assert Webhook(secret).verify(body, headers)["type"] == "socialops.test"
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(body.replace(b"Erin", b"Eric"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(subscribing._new_secret()).verify(body, headers)
    assert headers["webhook-id"] == str(WebhookDelivery.objects.get(action="socialops.test").key)
    subscribing.WebhookEndpoint.objects.update(old_secret_until=Now())
    subscribing.send_test(endpoint, erin())
    deliver()
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint.secret).verify(there.at("/in")[1][1], there.at("/in")[1][0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", [500, 404, (302, {"Location": "/elsewhere"}), (429, {"Retry-After": "1"}), "hang"])
def test_what_was_not_taken_comes_again_under_the_same_id(there, first, monkeypatch):
    monkeypatch.setattr(calling, "PATIENCE", 10)  # times the pace
    monkeypatch.setattr(calling, "LEAST_SILENCE", 5)
    endpoint = subscribe(there.url + "/in")
    there.answers["/in"] = [first, 200]
    delivery = subscribing.send_test(endpoint, erin())
    deliver()
    ids = [headers["webhook-id"] for headers, _ in there.at("/in")]
    assert ids == [str(delivery.key)] * 2 and there.at("/elsewhere") == []
    delivery.refresh_from_db()
    first_try, second_try = delivery.attempts.order_by("fence")
    assert (delivery.state, first_try.outcome, second_try.outcome) == ("done", "not_sent", "accepted")
    assert second_try.evidence["detail"].startswith("200 <b>thank you</b>")
    assert len(second_try.evidence["detail"]) < 2100
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.failing_since) == (0, None) and endpoint.last_success_at
