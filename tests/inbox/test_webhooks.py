"""Webhooks: only what is signed over its raw bytes, in time, leaves a row; a repeat changes nothing."""

import hashlib
import hmac
import json
import time

import pytest
from django.db import DatabaseError
from django.test import Client

from channels_registry import connecting
from inbox import receiving
from inbox.models import InboundEvent, Message
from tests.factories import channel
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def body(comment="c1", text="Is the store open?", **more) -> bytes:
    told = {
        "id": comment, "account": "a1", "kind": "comment", "text": text, "post": "p1", "parent": "", "version": 0,
        "author": {"id": "visitor-marie", "handle": "marie", "name": "Marie"}, "deleted": False,
        "created_at": 1795000000.0, "url": "http://127.0.0.1/c1", **more,
    }  # fmt: skip
    return json.dumps({"id": "e1", "type": "comment.created", "account": "a1", "comment": told}).encode()


def post(where, raw: bytes, secret: str, *, at: float | None = None, signed: bytes | None = None):
    stamp = str(int(time.time() if at is None else at))
    over = stamp.encode() + b"." + (raw if signed is None else signed)
    signature = "sha256=" + hmac.new(secret.encode(), over, hashlib.sha256).hexdigest()
    pk = getattr(where, "pk", where)
    headers = {"X-Sandbox-Timestamp": stamp, "X-Sandbox-Signature": signature}
    return Client(enforce_csrf_checks=True).post(
        f"/webhooks/{pk}/", raw, content_type="application/json", headers=headers
    )


@pytest.fixture
def secret(shop):
    return connecting.webhook_secret(shop)


def test_a_signed_webhook_is_in_the_inbox(shop, secret):
    assert post(shop, body(), secret).status_code == 200

    assert Message.objects.get().text == "Is the store open?"
    assert InboundEvent.objects.get().source == "webhook"


def test_a_replay_changes_nothing(shop, secret):
    for _ in range(3):
        assert post(shop, body(), secret).status_code == 200
    assert (InboundEvent.objects.count(), Message.objects.count()) == (1, 1)


FORGED = {
    "another secret": {"secret": "not the secret"},
    "no secret": {"secret": ""},
    "other bytes than were signed": {"signed": body(text="what was signed")},
    "ten minutes old": {"at": time.time() - 600},
    "from the future": {"at": time.time() + 3600},
}


def test_a_time_of_five_thousand_digits_is_a_forgery_and_tells_nobody_that_the_channel_is_there(shop):
    headers = {"X-Sandbox-Timestamp": "9" * 5000, "X-Sandbox-Signature": "sha256=0"}
    told = {
        Client().post(f"/webhooks/{pk}/", body(), content_type="application/json", headers=headers).status_code
        for pk in (shop.pk, shop.pk + 987_654)
    }
    assert told == {401}


@pytest.mark.parametrize(
    "wrong", [{"parent": None, "post": None}, {"id": 5}, {"version": "x"}, {"text": 5}, {"author": None}]
)
def test_what_is_signed_and_not_of_our_kind_is_said_to_be_unreadable(shop, secret, wrong):
    assert post(shop, body(**wrong), secret).status_code == 422
    assert not InboundEvent.objects.exists()


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_webhook_gets_401_and_leaves_no_row(shop, secret, forgery):
    wish = {"secret": secret, **FORGED[forgery]}
    answer = post(shop, body(), wish.pop("secret"), **wish)

    assert answer.status_code == 401
    assert not InboundEvent.objects.exists()


def test_unsigned_is_refused_too(shop):
    answer = Client().post(f"/webhooks/{shop.pk}/", body(), content_type="application/json")
    assert answer.status_code == 401
    assert not InboundEvent.objects.exists()


def test_an_unknown_channel_cannot_be_told_from_a_forgery(shop, secret):
    forged = post(shop, body(), "wrong")
    unknown = post(10**9, body(), secret)
    without = post(channel("sandbox", handle="never-connected"), body(), secret)

    assert forged.status_code == unknown.status_code == without.status_code == 401
    assert forged.content == unknown.content == without.content
    assert not InboundEvent.objects.exists()


def test_the_signature_of_one_channel_opens_no_other(shop, secret, network):
    from tests import factories

    account = network.account("acme-fr")
    other = channel("sandbox", handle="acme-fr")
    asked = connecting.connect(other, {"base_url": network.url}, {"token": account["token"]}, factories.erin())
    connecting.prove(asked)

    assert post(other, body(), secret).status_code == 401
    assert not InboundEvent.objects.exists()


def test_ten_megabytes_are_refused_before_they_are_read(shop, secret):
    answer = post(shop, body(text="x" * 10_000_000), secret)
    assert answer.status_code == 413
    assert not InboundEvent.objects.exists()


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"comment": {"id": 1}}', b"[" * 100_000])
def test_signed_nonsense_is_refused_without_a_traceback(shop, secret, raw):
    answer = post(shop, raw, secret)
    assert answer.status_code == 422
    assert "Traceback" not in answer.content.decode()
    assert not InboundEvent.objects.exists()


def test_only_posting_is_offered(shop):
    assert Client().get(f"/webhooks/{shop.pk}/").status_code == 405


def test_what_could_not_be_stored_is_asked_for_again(shop, secret, monkeypatch):
    def away(*_):
        raise DatabaseError("the database is away")

    monkeypatch.setattr(receiving, "store", away)
    assert post(shop, body(), secret).status_code == 503


def test_what_is_stored_is_acknowledged_even_if_filing_fails(shop, secret, monkeypatch):
    def away(*_, **__):
        raise DatabaseError("the database is away")

    monkeypatch.setattr(receiving, "process", away)
    assert post(shop, body(), secret).status_code == 200
    monkeypatch.undo()

    assert receiving.channels_behind() == [shop]
    receiving.process(shop)
    assert Message.objects.count() == 1


def test_a_deletion_by_webhook_before_its_message(shop, secret):
    post(shop, body(deleted=True, version=1, text=""), secret)
    post(shop, body(), secret)
    assert Message.objects.get().deleted_at is not None


def test_the_sandbox_itself_calls_a_real_web_server(shop, secret, network, processes):
    web = processes.web()
    network.webhook(shop.remote_id, f"{web.url}/webhooks/{shop.pk}/", secret)
    network.say(shop.remote_id, "over a real socket")
    wait_until(Message.objects.exists, "the webhook to arrive", web.child, 20)
    assert Message.objects.get().text == "over a real socket"
