"""The pages of webhooks: an administrator arranges them, the secret is shown once, answers are escaped."""

import re

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from accounts import subscribing
from accounts.models import AuditEvent, WebhookDelivery, WebhookEndpoint
from tests.factories import channel, departed, erin, person, signed_in

pytestmark = pytest.mark.django_db
SAID = {"description": "Our chat", "url": "https://hooks.example.org/in", "whole": ["publishing"]}


@pytest.fixture(autouse=True)
def keys(settings, tmp_path):
    settings.SEALING_KEYS = str(tmp_path / "keys")


@pytest.fixture
def browser():
    return signed_in(erin())


@pytest.fixture
def endpoint():
    return subscribing.add_endpoint(erin(), "https://hooks.example.org/in", ["publishing"], "Our chat")[0]


def shown(answer):
    return answer.content.decode()


def test_the_secret_is_shown_once_and_lies_sealed(browser):
    acme = channel(name="Acme")
    answer = browser.post(
        reverse("endpoint_new"),
        {**SAID, "answerable": erin().pk, "some_channels": ["channel.registered"], "channels": [acme.pk]},
    )
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]+", shown(answer).replace("&#x3D;", "="))
    made = WebhookEndpoint.objects.get()
    assert (made.events, made.channels) == (["publishing", "channel.registered"], [acme.pk])
    assert answer["Cache-Control"] == "no-store" and secret.encode() not in bytes(made.sealed_secret)
    for path in ("endpoint", "endpoint_change"):
        assert "whsec_" not in shown(browser.get(reverse(path, args=[made.pk])))
    assert "whsec_" not in str(list(AuditEvent.objects.values_list("data", flat=True)))
    again = shown(browser.post(reverse("endpoint_secret", args=[made.pk])))
    assert "whsec_" in again and secret not in again and "signs as well until" in again


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"url": "http://hooks.example.org/"}, "must start with https://"),
        ({"url": "https://169.254.169.254/latest/"}, "private network"),
        ({"url": "https://[::1]/"}, "private network"),
        ({"url": "https://[::ffff:127.0.0.1]/"}, "private network"),
        ({"url": "https://[64:ff9b::7f00:1]/"}, "private network"),
        ({"url": "https://0.0.0.0/"}, "private network"),
        ({"url": "https://2130706433/"}, "number in disguise"),
        ({"url": "https://localhost./"}, "private network"),
        ({"url": "https://ⓛocalhost/"}, "private network"),
        ({"url": "https://hooks.example.org@127.0.0.1/"}, "may not carry a user name"),
        ({"url": "not an address"}, "no web address has"),
        ({"description": " "}, "required"),
        ({"whole": []}, "at least one"),
    ],
)
def test_what_is_wrong_is_said_beside_it_and_nothing_is_made(browser, settings, wrong, words):
    settings.PRIVATE_HOSTS = []
    answer = browser.post(reverse("endpoint_new"), {**SAID, "answerable": erin().pk, **wrong})
    assert answer.status_code == 422 and words in shown(answer)
    assert not WebhookEndpoint.objects.exists()


def test_a_change_is_checked_as_the_beginning_is(browser, endpoint):
    """S3: what may not be made may not be changed into."""
    path = reverse("endpoint_change", args=[endpoint.pk])
    assert browser.post(path, {**SAID, "url": "https://10.0.0.1/"}).status_code == 422
    assert browser.post(path, {**SAID, "description": "The wall"}).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.description, endpoint.url) == ("The wall", "https://hooks.example.org/in")
    assert AuditEvent.objects.get(action="webhook.changed").data["changed"] == {"description": "The wall"}


def test_it_is_paused_let_go_on_tested_and_taken_away(browser, endpoint):
    for verb in ("pause", "resumption", "test", "removal"):
        assert browser.post(reverse(f"endpoint_{verb}", args=[endpoint.pk])).status_code == 302, verb
    assert browser.get(reverse("endpoint", args=[endpoint.pk])).status_code == 404
    assert endpoint.deliveries.get().state == "cancelled"
    actions = list(
        AuditEvent.objects.filter(action__startswith="webhook").order_by("pk").values_list("action", flat=True)
    )
    assert actions == [f"webhook.{verb}" for verb in ("added", "paused", "resumed", "tested", "removed")]


def test_what_it_answered_is_shown_escaped_and_sent_again_on_demand(browser, endpoint):
    told = subscribing.send_test(endpoint, erin())
    rows = WebhookDelivery.objects.filter(pk=told.pk)
    rows.update(state="sending", fence=1, lease_until=Now())
    said = {"detail": "<script>alert(1)</script>"}
    told.attempts.create(
        fence=1, started_at=Now(), deadline_at=Now(), outcome="not_sent", http_status=500, evidence=said
    )
    rows.update(state="failed", lease_until=None, reason="Tried 6 times. It answered 500.")
    page = shown(browser.get(reverse("endpoint", args=[endpoint.pk])))
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page and "It answered 500" in page
    path = reverse("webhook_resending", args=[endpoint.pk, told.pk])
    assert (browser.post(path).status_code, browser.post(path).status_code) == (302, 422)
    assert rows.get().state == "scheduled" and rows.get().key == told.key


def test_the_endpoint_of_somebody_who_left_is_taken_over_by_name(browser):
    dana = person("dana", "admin")
    endpoint, _ = subscribing.add_endpoint(erin(), "https://hooks.example.org/", ["inbox"], "Desk", answerable=dana)
    departed(dana)
    page = shown(browser.get(reverse("endpoint", args=[endpoint.pk])))
    assert "has left, so nothing is sent" in page
    assert "Nobody answers for it" in shown(browser.get(reverse("endpoint_list")))
    browser.post(reverse("endpoint_adoption", args=[endpoint.pk]))
    endpoint.refresh_from_db()
    assert endpoint.answerable == erin()
