"""What stands in front of the API: the token and nothing else, JSON that can be kept, and each thing done once."""

import json
from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse

from accounts import answering, issuing
from accounts.models import ApiAnswer, ApiToken, User
from publishing.models import Post
from socialops import api
from socialops.lib.problems import KINDS
from tests import factories
from tests.publishing.steps import at_once
from tests.tools import Tool

DRAFT = {"text": "Hello"}


@pytest.fixture
def alice(db):
    return factories.person("alice")


@pytest.fixture
def tool(alice):
    return Tool(alice)


def problem(answer, kind: str) -> dict:
    said = answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer.status_code, said["title"]) == KINDS[kind] and said["type"].endswith(f"#{kind}"), said
    return said


# --- The token --------------------------------------------------------------------------------------------------------


def test_a_session_opens_nothing_and_shuts_nothing(alice, tool):
    browser = factories.confirmed(alice)
    assert problem(browser.get("/api/v1/posts"), "no-token")
    assert problem(browser.post("/api/v1/posts", DRAFT, "application/json"), "no-token")
    assert not Post.objects.exists()
    both = factories.signed_in(factories.person("bob"))
    assert (
        both.get("/api/v1/me", headers={"Authorization": f"Bearer {tool.secret}"}).json()["person"]["name"] == "Alice"
    )


@pytest.mark.parametrize(
    "said",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer socialops_" + "0" * 64, "Token {}", "Bearer {}x", "Bearer é"],
)
def test_what_is_no_token_is_told_how_to_send_one(said, tool):
    answer = Client(headers={"Authorization": said.format(tool.secret)}).get("/api/v1/me")
    assert "Authorization: Bearer" in problem(answer, "no-token")["detail"]
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_token_in_the_address_is_refused_even_beside_one_in_the_header(tool):
    for client in (Client(), tool.client):
        answer = client.get("/api/v1/me", {"access_token": tool.secret})
        assert "written into logs" in problem(answer, "no-token")["detail"]


def ended(tool, alice):
    issuing.end(tool.token, alice)


def departed(tool, alice):
    factories.departed(alice)


def shut(tool, alice):
    User.objects.filter(person=alice).update(is_active=False)


def signed_out(tool, alice):
    User.objects.filter(person=alice).update(session_epoch=F("session_epoch") + 1)


@pytest.mark.parametrize("gone", [ended, departed, shut, signed_out])
def test_it_opens_nothing_at_the_next_request(gone, tool, alice):
    assert tool.post("posts", DRAFT, key="a").status_code == 201
    gone(tool, alice)
    problem(tool.get("me"), "no-token")
    problem(tool.post("posts", DRAFT, key="a"), "no-token")
    assert Post.objects.count() == 1


def test_every_address_needs_the_scope_that_the_document_names(alice):
    holders = {scope: Tool(alice, scope) for scope in issuing.Scope.values}
    for path, methods in api.document()["paths"].items():
        for method, said in methods.items():
            [scope] = said["security"][0]["Token"] or [""]
            others = [tool for name, tool in holders.items() if scope and name != scope]
            for tool in others:
                answer = tool.client.generic(method.upper(), path.replace("{id}", "1"), b"{}", "application/json")
                assert scope in problem(answer, "scope")["detail"], (method, path)
                assert scope in answer["WWW-Authenticate"]
    assert ApiToken.objects.filter(last_used_at=None).count() == 0


def test_too_many_requests_are_told_when_to_come_again(tool, monkeypatch):
    monkeypatch.setattr(issuing, "A_MINUTE", 1)
    assert tool.get("me").status_code == 200
    answer = tool.get("me")
    assert 1 <= int(answer["Retry-After"]) <= 60 and problem(answer, "too-many")
    assert Tool(tool.token.person).get("me").status_code == 200


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"])
def test_other_methods_are_refused(method, tool):
    answer = tool.client.generic(method, "/api/v1/posts")
    assert answer.status_code == 405 and set(answer["Allow"].split(", ")) == {"GET", "POST"}
    assert method == "HEAD" or problem(answer, "method")


def test_there_is_nothing_at_other_addresses_and_nothing_is_told_of_it(tool):
    assert problem(tool.get("nothing"), "not-found") == problem(Client().get("/api/v1/nothing"), "not-found")
    problem(tool.get("posts/99999999999999999999"), "not-found")
    problem(tool.get(f"posts/{'9' * 5000}"), "not-found")
    problem(tool.client.get("/api/v1/posts?cursor=%00"), "unreadable")


def test_what_breaks_shows_no_stack(tool, monkeypatch):
    monkeypatch.setattr("accounts.api.Me", None)
    said = problem(tool.get("me"), "broken")
    assert set(said) == {"type", "title", "status", "detail"} and "Traceback" not in str(said)


def test_nobody_stores_what_was_answered(tool):
    assert "no-store" in tool.get("me")["Cache-Control"]


# --- The body ---------------------------------------------------------------------------------------------------------

UNREADABLE = {
    "deep": b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "cut": b'{"text": "A"', "nan": b'{"text": NaN}',
    "latin": '{"text": "é"}'.encode("latin-1"), "nul": b'{"text": "a\\u0000b"}', "half": b'{"text": "a\\ud800b"}',
    "nul_name": b'{"a\\u0000": 1}', "long": b'{"text": ' + b"9" * 5000 + b"}",
}  # fmt: skip


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_cannot_be_read_or_kept_is_refused_in_words(kind, tool):
    problem(tool.post("posts", UNREADABLE[kind]), "unreadable")
    assert not Post.objects.exists()


def test_a_body_has_its_size_and_its_kind(tool):
    problem(tool.post("posts", {"text": "x" * 3_000_000}), "too-large")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        problem(tool.client.generic("POST", "/api/v1/posts", json.dumps(DRAFT), kind), "not-json")
    problem(tool.post("posts", b""), "invalid")
    for said in (None, [], "text", 1):
        problem(tool.post("posts", json.dumps(said)), "invalid")
    assert not Post.objects.exists()


# --- Once -------------------------------------------------------------------------------------------------------------


def test_the_same_key_gives_the_same_answer_and_does_it_once(tool):
    first, second = tool.post("posts", DRAFT, key="k-1"), tool.post("posts", DRAFT, key="k-1")
    assert (first.status_code, first.content) == (second.status_code, second.content) == (201, first.content)
    assert (first.get("Idempotency-Replayed"), second["Idempotency-Replayed"]) == (None, "true")
    assert Post.objects.count() == 1
    assert tool.post("posts", DRAFT, key="k-2").json()["id"] != first.json()["id"]
    assert tool.post("posts", DRAFT).status_code == 201 and Post.objects.count() == 3


def test_the_same_key_with_something_else_is_refused(tool):
    made = tool.post("posts", DRAFT, key="k").json()["id"]
    problem(tool.post("posts", {"text": "Other"}, key="k"), "key-reused")
    problem(tool.post(f"posts/{made}/approval", DRAFT | {}, key="k"), "invalid")
    problem(tool.post(f"posts/{made}/approval/withdrawal", key="k"), "key-reused")
    assert Post.objects.count() == 1


def test_a_key_is_its_tokens_own(tool, alice):
    made = [each.post("posts", DRAFT, key="k").json()["id"] for each in (tool, Tool(alice))]
    assert len(set(made)) == 2


def test_what_failed_may_be_tried_again_under_its_key(tool):
    problem(tool.post("posts", {"text": ""}, key="k"), "invalid")
    problem(tool.post("posts", {"text": "A", "title": "x" * 200}, key="k"), "invalid")
    assert not ApiAnswer.objects.exists()
    assert tool.post("posts", DRAFT, key="k").status_code == 201


def test_what_broke_halfway_left_nothing_behind(tool, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("publishing.api.posts._post_out", None)
        problem(tool.post("posts", DRAFT, key="k"), "broken")
    assert not Post.objects.exists() and not ApiAnswer.objects.exists()
    assert tool.post("posts", DRAFT, key="k").status_code == 201


@pytest.mark.parametrize("key", ["with space", "x" * 256, "é"])
def test_a_key_is_plain(key, tool):
    problem(tool.post("posts", DRAFT, key=key), "unreadable")


def test_after_a_day_it_is_forgotten(tool):
    tool.post("posts", DRAFT, key="old")
    tool.post("posts", DRAFT, key="new")
    ApiAnswer.objects.filter(key="old").update(made_at=F("made_at") - timedelta(hours=25))
    assert tool.post("posts", DRAFT, key="old")["Content-Type"] == "application/json"
    assert Post.objects.count() == 3
    ApiAnswer.objects.filter(key="new").update(made_at=F("made_at") - timedelta(hours=25))
    assert answering.forget() == 1 and ApiAnswer.objects.get().key == "old"


def test_two_that_arrive_at_once_do_it_once(fresh_database):
    tool = Tool(factories.person("alice"))
    answers = at_once(*[lambda: tool.post("posts", DRAFT, key="k")] * 4)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == Post.objects.count() == 1
    assert sum("Idempotency-Replayed" in answer for answer in answers) == 3


# --- The document -----------------------------------------------------------------------------------------------------


def test_the_document_is_for_everybody_and_names_what_opens_each_address(db):
    said = Client().get(reverse("openapi")).json()
    assert said["openapi"].startswith("3.1") and said["components"]["securitySchemes"]["Token"]["scheme"] == "bearer"
    scopes = {
        op["security"][0]["Token"][0]
        for path in said["paths"].values()
        for op in path.values()
        if op["security"][0]["Token"]
    }
    assert scopes == set(issuing.Scope.values)
