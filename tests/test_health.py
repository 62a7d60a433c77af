"""What machines ask: alive, ready, metrics; and the ids in the logs."""

import json
import re
import urllib.error
import urllib.request

import pytest
from django.db import connection


def metric(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, f"{name} is not in:\n{text}"
    return float(found[1])


def test_alive_asks_nobody(client):
    """No database fixture: a query would fail this test."""
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db(transaction=True)
def test_ready_when_database_and_migrations_are(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"ready": True, "database": "ok", "migrations": "ok", "broker": "ok"}


@pytest.mark.django_db(transaction=True)
def test_not_ready_with_a_migration_missing_and_it_says_how_to_mend_it(client):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'governance'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["migrations"] == "Run “manage.py migrate”."


@pytest.mark.django_db(transaction=True)
def test_ready_without_a_broker_because_pages_do_without_it(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["broker"].startswith("Start Redis or Valkey")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("well", [True, False])
def test_strangers_learn_whether_it_is_ready_and_nothing_of_our_machines(client, settings, well):
    settings.METRICS_TOKEN = "scrape-me"
    if not well:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE app = 'governance'")
    for asked in ({"REMOTE_ADDR": "192.0.2.7"}, {"headers": {"X-Forwarded-For": "192.0.2.7"}}, {}):
        answer = client.get("/readyz", **asked)
        assert (answer.status_code, answer.json()) == ((200, {"ready": True}) if well else (503, {"ready": False}))
    answer = client.get("/readyz", REMOTE_ADDR="192.0.2.7", headers={"Authorization": "Bearer scrape-me"})
    assert answer.json()["migrations"] == ("ok" if well else "Run “manage.py migrate”.")
    settings.METRICS_TOKEN = ""
    assert client.get("/readyz", REMOTE_ADDR="192.0.2.7").json() == {"ready": well}


@pytest.mark.django_db
def test_metrics_are_for_this_machine_or_for_who_has_the_token(client, settings):
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 403
    settings.METRICS_TOKEN = "scrape-me"
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    answer = client.get("/metrics", REMOTE_ADDR="192.0.2.7", headers={"Authorization": "Bearer scrape-me"})
    assert answer.status_code == 200
    assert metric(answer.content.decode(), "socialops_database_up") == 1
    assert metric(answer.content.decode(), 'socialops_delivery_lateness_seconds{kind="publication"}') == 0


def test_a_request_leaves_one_json_line_with_its_id(processes):
    site = processes.web(SOCIALOPS_LOCAL="no", SECRET_KEY="s" * 50, MFA_KEYS="k" * 50, MEDIA_ROOT="/tmp")
    with urllib.request.urlopen(f"{site.url}/account/login/", timeout=10) as page:
        assert page.status == 200
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{site.url}/feeds/a-secret/socialops.ics", timeout=10)
    assert "/feeds/***/socialops.ics" in site.said()
    assert "a-secret" not in site.said()
    lines = [json.loads(line) for line in site.said().splitlines() if line.startswith("{")]
    finished = [line for line in lines if line["event"] == "request_finished" and "/account/login/" in line["request"]]
    assert len(finished) == 1
    assert re.fullmatch(r"[0-9a-f-]{36}", finished[0]["request_id"])
    assert finished[0]["code"] == 200
