"""The lane of webhooks against receivers that refuse, hang, vanish, or stand where nobody may be sent to."""

import itertools
import threading
from datetime import timedelta

import pytest
from aiohttp.abc import AbstractResolver
from django.core.management import call_command
from django.db.models.functions import Now
from django.utils import timezone

from accounts import announcing, calling, subscribing
from accounts.calling import LANE
from accounts.delivering import LANE as MAILS
from accounts.models import AuditEvent, MailDelivery, Notification, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from socialops.lib.delivery.shift import Shift, side_by_side
from socialops.lib.fetch import GuardedResolver
from tests import shifts
from tests.accounts.receiver import receiver
from tests.factories import erin

pytestmark = pytest.mark.django_db(transaction=True)
UNDER_WAY = ("scheduled", "sending", "unknown")
INNER = [
    "https://127.0.0.1/", "https://0.0.0.0/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://2130706433/",
    "https://169.254.169.254/latest/meta-data/?x=.mp4", "https://[64:ff9b::a9fe:a9fe]/", "https://x@127.0.0.1/",
    "https://127.0.0.1./", "https://127。0。0。1/", "https://localhost./",
]  # fmt: skip


@pytest.fixture(autouse=True)
def quick(settings, tmp_path):
    settings.PACE, settings.PRIVATE_HOSTS, settings.SEALING_KEYS = 0.02, ["127.0.0.1"], str(tmp_path / "keys")


@pytest.fixture
def there():
    with receiver() as found:
        yield found


def subscribe(url, name="Our chat"):
    return subscribing.add_endpoint(erin(), url, ["publishing"], name)[0]


def waiting(endpoint, count):
    """So many that wait their turn there."""
    now = timezone.now()
    rows = {"action": "post.created", "body": "{}", "state": "held", "due_at": now, "next_attempt_at": now}
    WebhookDelivery.objects.bulk_create(WebhookDelivery(endpoint=endpoint, **rows) for _ in range(count))
    return announcing.release([endpoint.pk])


def deliver(until=None):
    shifts.run(LANE, until=until or (lambda: not WebhookDelivery.objects.filter(state__in=UNDER_WAY).exists()))


def states(endpoint):
    return list(endpoint.deliveries.order_by("pk").values_list("state", flat=True))


# --- Who may be reached ----------------------------------------------------------------------------------------------


def test_an_inner_address_that_got_into_the_database_is_not_contacted(there, settings):
    """S7, past the form: what stands in the row is asked about again before each sending."""
    settings.PRIVATE_HOSTS = []
    ends = [subscribe("https://hooks.example.org/") for _ in INNER]
    for endpoint, url in zip(ends, INNER, strict=True):
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(url=url)
        subscribing.send_test(endpoint, erin())
    deliver()
    assert {state for endpoint in ends for state in states(endpoint)} == {"failed"}
    assert not WebhookAttempt.objects.exclude(outcome="rejected", evidence__detail="blocked address").exists()


class Rebinding(AbstractResolver):
    """S5: a public address for whoever checks first, an inner one for whoever connects."""

    answers = itertools.chain(["93.184.216.34"], itertools.repeat("127.0.0.1"))

    async def resolve(self, host, port=0, family=0):
        address = "127.0.0.1" if host == "inner.example" else next(self.answers)
        return [{"hostname": host, "host": address, "port": port, "family": 2, "proto": 0, "flags": 0}]

    async def close(self):
        pass


@pytest.mark.parametrize("host", ["inner.example", "rebind.example"])
def test_a_name_that_leads_inside_is_not_contacted(there, settings, monkeypatch, host):
    settings.PRIVATE_HOSTS = []
    monkeypatch.setattr(calling, "CONNECT_PATIENCE", 0.2)
    monkeypatch.setattr(calling, "GuardedResolver", lambda **_: GuardedResolver(inner=Rebinding()))
    endpoint = subscribe(f"https://{host}:{there.url.rpartition(':')[2]}/in")
    subscribing.send_test(endpoint, erin())
    deliver(until=lambda: WebhookAttempt.objects.exclude(outcome=None).count() >= (1 if host == "inner.example" else 2))
    assert there.taken == []


# --- Receivers that behave badly -------------------------------------------------------------------------------------


def test_one_that_hangs_with_many_waiting_takes_few_places_and_delays_nobody(there, monkeypatch):
    monkeypatch.setattr(calling, "PATIENCE", 25)  # times the pace: half a second, and as much as a lane may take
    there.answers["/hangs"], there.answers["/slow"] = ["hang"], ["slow"]
    hung, slow, well = (subscribe(f"{there.url}/{path}") for path in ("hangs", "slow", "well"))
    assert waiting(hung, 300) == announcing.EACH
    assert waiting(slow, 1) and waiting(well, 40)
    began = timezone.now()
    deliver(until=lambda: set(states(well)) == {"done"} and states(slow) == ["done"])
    assert timezone.now() - began < timedelta(seconds=8)
    assert len(there.at("/hangs")) < 300 / 4


def test_after_a_failure_one_goes_first_and_after_a_success_all(there, settings, monkeypatch):
    settings.PACE = 1.0  # on a busy machine none of these calls may be given up
    monkeypatch.setattr(calling, "WAITS", (3600,))
    there.answers["/in"] = [500]
    endpoint = subscribe(f"{there.url}/in")
    waiting(endpoint, 30)
    deliver(until=lambda: endpoint.deliveries.filter(tries=1).count() >= announcing.EACH)
    failed = endpoint.deliveries.filter(tries=1).count()
    WebhookEndpoint.objects.update(resting_until=Now() + timedelta(hours=1))
    held = states(endpoint).count("held")
    assert announcing.release([endpoint.pk]) == 0 and held > 10, "it rests"
    WebhookEndpoint.objects.update(resting_until=Now())
    announcing.release([endpoint.pk])
    assert endpoint.deliveries.filter(tries=0, state="scheduled").count() == 1, "one goes first"
    there.answers["/in"] = [200]
    deliver(until=lambda: states(endpoint).count("done") == 30 - failed)
    assert WebhookEndpoint.objects.get().failures == 0


def test_410_pauses_it_and_says_so(there):
    there.answers["/in"] = [410]
    endpoint = subscribe(f"{there.url}/in")
    waiting(endpoint, 1)
    deliver()
    endpoint.refresh_from_db()
    assert (states(endpoint), endpoint.paused_why) == (["failed"], "It answered 410: it wants nothing more.")
    assert "are paused" in Notification.objects.get(person=erin(), kind="webhook.trouble").text
    assert AuditEvent.objects.get(action="webhook.paused").actor is None
    waiting(endpoint, 1)
    assert states(endpoint)[1] == "held"
    subscribing.resume(endpoint, erin())
    assert states(endpoint)[1] == "scheduled"


def test_one_that_failed_for_days_is_paused_and_whoever_answers_for_it_is_told(there):
    there.answers["/in"] = [500]
    endpoint = subscribe(f"{there.url}/in")
    WebhookEndpoint.objects.update(failing_since=Now() - subscribing.FAILED_FOR)
    waiting(endpoint, 1)
    deliver(until=lambda: WebhookEndpoint.objects.get().paused_at)
    assert Notification.objects.get(kind="webhook.trouble").by_mail


def test_six_tries_are_enough_and_a_person_may_send_it_again_under_its_own_id(there, monkeypatch):
    monkeypatch.setattr(calling, "WAITS", (0,))
    there.answers["/in"] = [500]
    endpoint = subscribe(f"{there.url}/in")
    waiting(endpoint, 1)
    deliver()
    failed = endpoint.deliveries.get()
    assert failed.state == "failed" and "Tried 6 times" in failed.reason and len(there.taken) == 6
    there.answers["/in"] = [200]
    subscribing.send_again(failed, erin())
    deliver()
    assert {headers["webhook-id"] for headers, _ in there.at("/in")} == {str(failed.key)}
    subscribing.send_again(endpoint.deliveries.get(), erin())
    deliver()
    assert len({headers["webhook-id"] for headers, _ in there.at("/in")}) == 2, "what arrived is told anew"


# --- Workers that die, and the process that both lanes share ---------------------------------------------------------


def test_what_a_lost_worker_had_in_hand_is_sent_again_under_the_same_id(there):
    endpoint = subscribe(f"{there.url}/in")
    waiting(endpoint, 1)
    lost = endpoint.deliveries.get()
    lost.attempts.create(fence=1, started_at=Now(), deadline_at=Now())
    rows = WebhookDelivery.objects.filter(pk=lost.pk)
    rows.update(state="sending", fence=1, lease_owner="gone", lease_until=Now() - timedelta(seconds=1))
    deliver()
    assert [headers["webhook-id"] for headers, _ in there.at("/in")] == [str(lost.key)]
    assert list(lost.attempts.order_by("fence").values_list("outcome", flat=True)) == ["proven_absent", "accepted"]


def test_a_mail_server_that_hangs_delays_no_webhook_in_the_same_process(there, settings, monkeypatch):
    hung = threading.Event()
    monkeypatch.setattr("accounts.delivering._hand_over", lambda _: hung.wait(20))
    MailDelivery.objects.bulk_create(
        MailDelivery(to="a@example.test", subject="Hi", body="", due_at=Now(), next_attempt_at=Now()) for _ in range(20)
    )
    endpoint = subscribe(f"{there.url}/in")
    waiting(endpoint, 20)
    left = []

    def over():
        if len(there.taken) == 20:
            hung.set()
        return hung.is_set()

    shifts_of_both = [Shift(lane, over, seconds=20) for lane in (MAILS, LANE)]
    assert side_by_side(shifts_of_both, lambda: left.append(True))
    assert len(there.taken) == 20 and left == [True], "one successor for both"


def test_when_one_of_the_two_has_no_slot_the_other_ends_so_that_the_next_can_take_both():
    class Taken(Shift):
        async def work(self, leave):
            return False

    left = []
    began = timezone.now()
    assert side_by_side([Taken(MAILS), Shift(LANE, seconds=20)], lambda: left.append(True))
    assert timezone.now() - began < timedelta(seconds=10) and left == [True]


# --- Secrets ---------------------------------------------------------------------------------------------------------


def test_a_secret_stands_in_no_row_log_or_export_and_survives_a_new_key(there, caplog, own_servers, capsys):
    endpoint, secret = subscribing.add_endpoint(erin(), f"{there.url}/in", ["publishing"], "Our chat")
    subscribing.send_test(endpoint, erin())
    deliver()
    call_command("sealing_keys", "make", "--webhooks")
    call_command("sealing_keys", "rotate")
    subscribing.send_test(endpoint, erin())
    deliver()
    assert states(endpoint) == ["done", "done"]
    rows = [str(row) for model in (AuditEvent, WebhookDelivery, WebhookAttempt) for row in model.objects.values()]
    kept = bytes(WebhookEndpoint.objects.get().sealed_secret)
    said = f"{caplog.text}{rows}{there.taken}{capsys.readouterr()}"
    bare = secret.removeprefix("whsec_")
    assert bare not in said and bare.encode() not in kept
