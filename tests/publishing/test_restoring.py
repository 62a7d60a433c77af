"""What a post said before: listed, shown as it would appear, and brought back under the rules of every change."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from publishing import drafting, queries, restoring
from tests import factories
from tests.publishing.steps import TEXT, events, page


@pytest.fixture
def changed(post, alice, acme, second):
    """Revision 2 says other words, and goes to a second channel that has a text of its own."""
    drafting.edit_post(
        post, alice, expected_revision=1, text="New words", channels=[acme, second], variants={second.pk: "En plus"}
    )
    post.refresh_from_db()
    return post


def test_restoring_makes_a_new_revision_with_the_old_words_on_the_channels_of_now(changed, alice, acme, second):
    revision = restoring.restore(changed, alice, 1, expected_revision=2)
    assert revision.number == 3
    assert {v["channel"]: v["text"] for v in revision.content["variants"]} == {acme.pk: TEXT, second.pk: TEXT}
    event = events(changed)[-1]
    assert (event.action, event.data["restored"]) == ("post.restored", 1)


def test_a_channels_own_words_come_back_too(changed, alice, acme, second):
    drafting.edit_post(changed, alice, expected_revision=2, variants={second.pk: "Autre chose"})
    assert restoring.restore(changed, alice, 2, expected_revision=3).parts_on(second.pk)[0].text == "En plus"


def test_restoring_voids_what_was_agreed(publication, approved, alice):
    drafting.edit_post(approved, alice, expected_revision=1, title="Only the title")
    with pytest.raises(ValidationError):
        restoring.restore(approved, alice, 7, expected_revision=2)
    drafting.edit_post(approved, alice, expected_revision=2, text="Other words")
    restoring.restore(approved, alice, 1, expected_revision=3)
    approved.refresh_from_db()
    publication.refresh_from_db()
    assert (approved.state, publication.state) == ("draft", "cancelled")


def test_restoring_over_the_save_of_somebody_else_is_a_conflict(changed, alice):
    with pytest.raises(drafting.Conflict):
        restoring.restore(changed, alice, 1, expected_revision=1)
    assert changed.revisions.count() == 2


def test_charlie_restores_nothing(changed, charlie):
    with pytest.raises(PermissionDenied):
        restoring.restore(changed, charlie, 1, expected_revision=2)
    assert factories.signed_in(charlie).post(f"/posts/{changed.pk}/revisions/1/").status_code == 403


def test_the_list_names_who_and_which_parts(changed, alice):
    drafting.edit_post(changed, alice, expected_revision=2, title="Another title")
    assert [step.changed for step in queries.history(changed)] == [
        ["title or note"],
        ["text", "channels", "placement"],
        [],
    ]
    html = page(factories.signed_in(alice), f"/posts/{changed.pk}/revisions/")
    assert "Revision 2</a>, Alice: text, channels, placement" in html


def test_a_revision_is_shown_as_it_would_appear_with_what_is_different_now(changed, alice):
    html = page(factories.signed_in(alice), f"/posts/{changed.pk}/revisions/1/")
    assert TEXT in html and "<ins>New words</ins>" in html
    assert "Restore this text" in html
    assert "Restore this text" not in page(factories.signed_in(alice), f"/posts/{changed.pk}/revisions/2/")


def test_the_page_brings_it_back(changed, alice):
    sent = {"expected_revision": 2}
    answer = factories.signed_in(alice).post(f"/posts/{changed.pk}/revisions/1/", sent)
    assert answer.url == f"/posts/{changed.pk}/"
    changed.refresh_from_db()
    assert changed.text == TEXT


def test_a_revision_that_never_was_is_not_found(post, alice):
    page(factories.signed_in(alice), f"/posts/{post.pk}/revisions/9/", status=404)
