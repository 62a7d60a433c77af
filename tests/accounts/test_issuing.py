"""Tokens for a person's own tools: shown once, kept as a digest, and never more than their person at this moment."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from accounts import departing, issuing, queries
from accounts.models import ApiToken, AuditEvent, Notification, User
from accounts.models.api_token import Scope
from tests import pages
from tests.company import Company
from tests.factories import PASSWORD, confirmed, departed, erin, person, signed_in, user

pytestmark = pytest.mark.django_db
READ = [Scope.POSTS_READ]


@pytest.fixture
def alice():
    return person("alice")


@pytest.fixture
def made(alice):
    return issuing.issue(alice, " Newsroom ", [*READ, *READ], 30)


def test_the_secret_is_recognisable_shown_once_and_kept_nowhere(alice):
    browser, form = confirmed(alice), {"name": "Newsroom", "scopes": ["posts:read"], "days": "30"}
    page = browser.post(reverse("token_list"), form).content.decode()
    secret = page.split('break">')[1].split("<")[0]
    assert secret.startswith("socialops_") and len(secret) == 74
    assert issuing.opened(secret).person == alice
    assert secret not in browser.get(reverse("token_list")).content.decode()
    token = ApiToken.objects.get()
    assert secret not in str(ApiToken.objects.values().get()) and token.hint == secret[-4:]
    assert secret not in str(list(AuditEvent.objects.values()))
    event = AuditEvent.objects.get(action="token.made")
    assert (event.actor, event.data["scopes"]) == (alice, ["posts:read"])


def test_it_is_good_for_what_was_said_until_then(made, alice):
    token, secret = made
    assert (token.name, token.scopes) == ("Newsroom", ["posts:read"])
    assert token.expires_at - token.made_at == timedelta(days=30)
    assert issuing.opened(secret).user == user(alice)
    assert issuing.opened(secret[:-1]) is None and issuing.opened("") is None and issuing.opened("\ud800") is None


@pytest.mark.parametrize(
    ("name", "scopes", "days", "field"),
    [("", READ, 30, "name"), ("x" * 81, READ, 30, "name"), ("A", [], 30, "scopes"), ("A", ["everything"], 30, "scopes"),
     ("A", READ, 0, "days"), ("A", READ, 366, "days")],
)  # fmt: skip
def test_what_cannot_be_is_said_beside_its_field(alice, name, scopes, days, field):
    with pytest.raises(ValidationError) as refused:
        issuing.issue(alice, name, scopes, days)
    assert list(refused.value.message_dict) == [field]


def test_nobody_keeps_hundreds(alice, monkeypatch):
    monkeypatch.setattr(issuing, "MOST_TOKENS", 1)
    issuing.issue(alice, "A", READ, 1)
    with pytest.raises(ValidationError, match="End those that nothing uses"):
        issuing.issue(alice, "B", READ, 1)


def ended(token, alice):
    issuing.end(token, alice)


def expired(token, alice):
    later = timezone.now() - timedelta(days=40)
    with transaction.atomic():
        ApiToken.objects.all().delete()
        ApiToken.objects.create(
            person=alice, name="Old", scopes=READ, hash=token.hash, hint=token.hint, bound_to=token.bound_to,
            made_at=later, expires_at=later + timedelta(days=1),
        )  # fmt: skip


def left(token, alice):
    departed(alice)


def left_and_returned(token, alice):
    departing.clean_up(departed(alice))
    alice.departures.update(returned_at=timezone.now())
    User.objects.filter(person=alice).update(is_active=True)


def shut(token, alice):
    User.objects.filter(person=alice).update(is_active=False)


def unverified(token, alice):
    EmailAddress.objects.filter(user__person=alice).update(verified=False)


def given_a_new_password(token, alice):
    user(alice, PASSWORD)


def signed_out_everywhere(token, alice):
    User.objects.filter(person=alice).update(session_epoch=F("session_epoch") + 1)


GONE = [ended, expired, left, left_and_returned, shut, unverified, given_a_new_password, signed_out_everywhere]


@pytest.mark.parametrize("gone", GONE)
def test_it_opens_nothing_from_the_moment_its_person_is(gone, made, alice):
    token, secret = made
    assert issuing.opened(secret) is not None
    gone(token, alice)
    assert issuing.opened(secret) is None


@pytest.mark.parametrize("gone", [left, shut, unverified])
def test_who_could_not_use_one_cannot_make_one(gone, alice):
    gone(None, alice)
    with pytest.raises(PermissionDenied):
        issuing.issue(alice, "A", READ, 1)


def test_an_administrator_without_the_second_factor_that_is_asked_for_has_no_way_around_it(settings):
    first = erin()
    user(first)
    _, secret = issuing.issue(first, "Before", READ, 1)
    settings.SECOND_FACTOR_REQUIRED = True
    assert issuing.opened(secret) is None
    with pytest.raises(PermissionDenied, match="second factor"):
        issuing.issue(first, "After", READ, 1)
    company = Company(people={"frank": first})
    pages.give_second_factor(company)
    assert issuing.opened(secret) is not None
    assert issuing.issue(first, "After", READ, 1)


def test_its_person_ends_it_or_an_administrator_who_tells_them(made, alice):
    token, _ = made
    with pytest.raises(PermissionDenied):
        issuing.end(token, person("charlie"))
    issuing.end(token, erin())
    issuing.end(token, erin())
    event = AuditEvent.objects.get(action="token.ended")
    assert (event.actor, event.data["person"]) == (erin(), alice.pk)
    assert "ended your API token “Newsroom”" in Notification.objects.get(person=alice).text
    assert "Ended by Erin" in signed_in(alice).get(reverse("token_list")).content.decode()


def test_charlie_does_not_find_out_that_it_is_there(made):
    token, _ = made
    charlie = signed_in(person("charlie"))
    paths = [reverse("token_ending", args=[pk]) for pk in (token.pk, 987654321)]
    assert [charlie.post(path).status_code for path in paths] == [404, 404]
    assert charlie.get(reverse("everybodys_tokens")).status_code == 403


def test_everybodys_are_listed_for_an_administrator_with_their_last_use(made):
    token, _ = made
    page = signed_in(erin()).get(reverse("everybodys_tokens")).content.decode()
    assert "Newsroom" in page and ">never</td>" in page
    assert ">Read posts with what is said about them, pictures and campaigns</td>" in page, "as it was chosen"
    assert issuing.too_soon(token) == 0
    assert ">never</td>" not in signed_in(erin()).get(reverse("everybodys_tokens")).content.decode()


def test_a_long_list_is_read_to_its_end(made, alice, monkeypatch):
    for n in range(4):
        issuing.issue(alice, f"Tool {n}", READ, 1)
    monkeypatch.setattr(queries, "MOST_TOKENS", 2)
    for path, reader in (("everybodys_tokens", erin()), ("token_list", alice)):
        client, address, names = signed_in(reader), reverse(path), []
        while address:
            context = client.get(address).context
            names += [row.token.name for row in context["rows"]]
            address = context["next"] and reverse(path) + context["next"]
        assert names == ["Tool 3", "Tool 2", "Tool 1", "Tool 0", "Newsroom"]


def test_each_token_has_its_uses_a_minute(made, alice, monkeypatch):
    token, _ = made
    other, _ = issuing.issue(alice, "Other", READ, 1)
    monkeypatch.setattr(issuing, "A_MINUTE", 2)
    waits = [issuing.too_soon(token) for _ in range(3)]
    assert waits[:2] == [0, 0] and 1 <= waits[2] <= 60
    assert issuing.too_soon(other) == 0
    ApiToken.objects.update(minute=F("minute") - timedelta(minutes=1))
    assert issuing.too_soon(token) == 0


@pytest.mark.parametrize(
    "change",
    [{"scopes": ["posts:write"]}, {"ended_at": None}, {"expires_at": F("expires_at") + timedelta(days=9)},
     {"bound_to": "0" * 64}, {"hash": "0" * 64}],
)  # fmt: skip
def test_the_database_lets_none_be_widened_or_brought_back(change, made, alice):
    issuing.end(made[0], alice)
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        ApiToken.objects.update(**change)
