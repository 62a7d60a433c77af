"""An error page says what happened and what to do, gives a reference that is in the log, and loses no text."""

import re

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory
from django.urls import reverse

from socialops.views import errors
from tests import factories

pytestmark = pytest.mark.django_db
TEXT = "Two hundred words that somebody has been writing all morning."


def test_a_wrong_address_says_what_it_may_mean_and_carries_a_reference():
    answer = factories.signed_in(factories.person("alice")).get("/nowhere/")
    assert answer.status_code == 404
    assert re.search(r"Reference for the log:<br><code>[0-9a-f-]{36}", answer.content.decode())


def test_a_refusal_shows_its_own_words():
    request = RequestFactory().get("/")
    answer = errors.refused(request, PermissionDenied("Only a manager may do this. Ask Gina."))
    assert answer.status_code == 403
    assert "Only a manager may do this. Ask Gina." in answer.content.decode()


def test_the_page_of_our_own_error_asks_nothing_of_the_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = errors.broken(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert "An error of ours" in answer.content.decode()


def post(**headers) -> str:
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.user(factories.person("alice")))
    answer = client.post(reverse("post_new"), {"text": TEXT, "title": "x"}, headers=headers)
    assert answer.status_code == 403
    return answer.content.decode()


def test_a_form_with_an_old_token_comes_back_with_its_text():
    html = post(origin="http://testserver")
    assert TEXT in html
    assert "Send it again" in html


def test_a_form_of_another_site_does_not_come_back():
    for origin in ("https://evil.example", "null", ""):
        assert TEXT not in post(**({"origin": origin} if origin else {}))


def test_a_form_that_carries_a_secret_does_not_come_back():
    client = Client(enforce_csrf_checks=True)
    fields = {"login": "alice@example.test", "password": "hunter2 hunter2"}
    html = client.post(reverse("account_login"), fields, headers={"origin": "http://testserver"}).content.decode()
    assert "hunter2" not in html


def test_the_theme_is_kept_in_a_cookie_and_leads_back_to_this_site_only():
    client = factories.signed_in(factories.person("alice"))
    answer = client.post(reverse("theme"), {"theme": "dark", "next": "https://evil.example/"})
    assert answer.headers["Location"] == "/"
    assert 'data-theme="dark"' in client.get("/").content.decode()
    client.post(reverse("theme"), {"theme": '"><script>'})
    assert 'data-theme="dark"' in client.get("/").content.decode()


THINGS = ("posts", "channels", "inbox", "approvals", "publications", "people", "revocations", "offboarding", "evidence")


@pytest.mark.parametrize("thing", THINGS)
def test_a_number_that_no_row_can_have_is_not_found(thing):
    answer = factories.signed_in(factories.erin()).get(f"/{thing}/{10**20}/")
    assert answer.status_code == 404
    assert "There is nothing at this address for you" in answer.content.decode()
