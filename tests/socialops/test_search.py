"""One field for everything: what one may see, what one may do, with or without a script."""

import pytest
from django.urls import reverse

from publishing import drafting
from tests import factories

pytestmark = pytest.mark.django_db


def found(name: str, words: str, *roles: str, htmx: bool = False) -> str:
    client = factories.signed_in(factories.person(name, *roles))
    headers = {"HX-Request": "true"} if htmx else {}
    return client.get(reverse("search"), {"q": words}, headers=headers).content.decode()


def test_people_pages_and_verbs_are_found():
    factories.person("gina")
    assert "Gina" in found("alice", "gina")
    assert "Hold everything" in found("alice", "stop")
    assert reverse("post_new") in found("alice", "draft")


def test_posts_and_channels_are_found_by_those_who_may_see_them():
    channel = factories.channel("bluesky", name="Zanzibar")
    alice = factories.person("alice")
    factories.grant(channel, alice, "author")
    drafting.create_post(alice, [channel], "On Zanzibar.", "Zanzibar in spring")
    assert found("alice", "zanzi").count("Zanzibar") >= 2
    assert "Zanzibar" not in found("charlie", "zanzi")


def test_what_needs_a_role_is_offered_with_the_role():
    assert "Add a person" in found("erin", "add a person")
    assert "Add a person" not in found("alice", "add a person")


def test_the_palette_gets_the_list_alone():
    html = found("alice", "today", htmx=True)
    assert "Today" in html
    assert "<html" not in html


def test_nothing_found_says_what_to_try():
    assert "Try part of a name" in found("alice", "qqqqqq")


def test_what_was_typed_is_shown_as_text():
    assert "<b>x</b>" not in found("alice", "<b>x</b>")
