"""What is written and not saved: kept apart for every page, seen by its writer alone, and never part of the post."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from publishing import autosaving
from publishing.models import Editing, Post
from tests import factories
from tests.publishing.steps import TEXT, at_once, page, staffed, trail


def fields(text: str, tab, **more) -> dict:
    return {"text": text, "tab": str(tab), "expected_revision": 1, **more}


def test_what_is_kept_is_no_revision_and_leaves_the_approval_standing(approved, alice, acme):
    tab = uuid4()
    answer = factories.signed_in(alice).post(
        f"/posts/{approved.pk}/autosave/", fields("Half a th", tab, channels=[acme.pk])
    )
    assert "Kept at" in answer.content.decode()
    approved.refresh_from_db()
    assert (approved.state, approved.text, approved.revisions.count()) == ("approved", TEXT, 1)
    kept = Editing.objects.get(tab=tab)
    assert (kept.unsaved["text"], kept.unsaved["channels"], kept.began_at) == (["Half a th"], [str(acme.pk)], 1)
    assert "post.edited" not in trail(approved)


def test_opening_the_post_offers_the_unsaved_text_to_its_writer_alone(post, alice, dana):
    kept = autosaving.keep(post, alice, uuid4(), {"text": ["Only in my head"]}, 1)
    assert "Only in my head" in page(factories.signed_in(alice), f"/posts/{post.pk}/")
    restored = page(factories.signed_in(alice), f"/posts/{post.pk}/?unsaved={kept.pk}")
    assert 'class="master"' in restored and "Only in my head</textarea>" in restored
    somebody = factories.signed_in(dana)
    assert "Only in my head" not in page(somebody, f"/posts/{post.pk}/")
    page(somebody, f"/posts/{post.pk}/?unsaved={kept.pk}", status=404)


def test_saving_ends_what_was_kept_and_a_late_answer_does_not_bring_it_back(post, alice, acme):
    tab, writer = uuid4(), factories.signed_in(alice)
    writer.post(f"/posts/{post.pk}/autosave/", fields("Nearly", tab))
    writer.post(f"/posts/{post.pk}/", fields("Done", tab, title="T", channels=[acme.pk]))
    writer.post(f"/posts/{post.pk}/autosave/", fields("Nearly", tab))
    assert Editing.objects.get(tab=tab).unsaved is None
    assert "Your unsaved text" not in page(writer, f"/posts/{post.pk}/")


def test_saving_what_was_restored_ends_the_page_it_came_from(post, alice, acme):
    old = autosaving.keep(post, alice, uuid4(), {"text": ["From yesterday"]}, 1)
    sent = fields("From yesterday", uuid4(), restored=old.pk, channels=[acme.pk])
    factories.signed_in(alice).post(f"/posts/{post.pk}/", sent)
    old.refresh_from_db()
    assert old.unsaved is None


def test_what_was_restored_from_an_older_revision_conflicts_instead_of_overwriting(post, alice, dana, acme):
    old = autosaving.keep(post, alice, uuid4(), {"text": ["Mine"]}, 1)
    theirs = {"text": "Hers", "channels": [acme.pk], "expected_revision": 1}
    factories.signed_in(dana).post(f"/posts/{post.pk}/", theirs)
    writer = factories.signed_in(alice)
    assert 'name="expected_revision" value="1"' in page(writer, f"/posts/{post.pk}/?unsaved={old.pk}")
    answer = writer.post(f"/posts/{post.pk}/", fields("Mine", uuid4(), restored=old.pk, channels=[acme.pk]))
    assert answer.status_code == 409


def test_two_tabs_of_one_person_are_kept_apart_and_each_is_told_of_the_other(post, alice):
    writer, tabs = factories.signed_in(alice), [uuid4(), uuid4()]
    answers = [writer.post(f"/posts/{post.pk}/autosave/", fields(f"Tab {n}", tab)) for n, tab in enumerate(tabs)]
    assert "another tab" not in answers[0].content.decode()
    assert "another tab" in answers[1].content.decode()
    assert {row.unsaved["text"][0] for row in Editing.objects.all()} == {"Tab 0", "Tab 1"}


def test_the_page_says_who_else_is_editing_until_they_are_gone(post, alice, dana):
    kept = autosaving.keep(post, dana, uuid4(), None)
    reader = factories.signed_in(alice)
    assert "Dana is editing this now" in page(reader, f"/posts/{post.pk}/")
    Editing.objects.filter(pk=kept.pk).update(seen_at=timezone.now() - timedelta(minutes=2))
    assert "Dana is editing this now" not in page(reader, f"/posts/{post.pk}/")


def test_the_page_says_at_once_that_somebody_saved_meanwhile(post, alice, dana, acme):
    writer, tab = factories.signed_in(alice), uuid4()
    factories.signed_in(dana).post(
        f"/posts/{post.pk}/", {"text": "Hers", "channels": [acme.pk], "expected_revision": 1}
    )
    answer = writer.post(f"/posts/{post.pk}/autosave/", fields("Mine", tab)).content.decode()
    assert "Dana saved this post while you were writing" in answer


def test_the_first_words_of_a_new_post_make_one_draft_however_often_they_arrive(alice, acme):
    writer, tab = factories.signed_in(alice), uuid4()
    sent = {"text": "An idea", "tab": str(tab), "channels": [acme.pk]}
    for _ in range(2):
        answer = writer.post("/posts/new/autosave/", sent)
    post = Post.objects.get()
    assert f'data-post="/posts/{post.pk}/"' in answer.content.decode()
    assert (post.text, post.state, post.author) == ("An idea", "draft", alice)


def test_an_empty_new_page_makes_nothing(alice):
    sent = {"text": "  ", "tab": str(uuid4())}
    assert factories.signed_in(alice).post("/posts/new/autosave/", sent).status_code == 204
    assert not Post.objects.exists()


def test_dropping_ones_unsaved_text_leaves_the_post_as_it_is(post, alice):
    kept = autosaving.keep(post, alice, uuid4(), {"text": ["Away with it"]}, 1)
    writer = factories.signed_in(alice)
    assert writer.post(f"/posts/{post.pk}/unsaved/{kept.pk}/").url == f"/posts/{post.pk}/"
    assert "Away with it" not in page(writer, f"/posts/{post.pk}/")
    post.refresh_from_db()
    assert post.text == TEXT


def test_nobody_drops_the_text_of_somebody_else(post, alice, dana):
    kept = autosaving.keep(post, alice, uuid4(), {"text": ["Mine"]}, 1)
    assert factories.signed_in(dana).post(f"/posts/{post.pk}/unsaved/{kept.pk}/").status_code == 404
    kept.refresh_from_db()
    assert kept.unsaved == {"text": ["Mine"]}


def test_charlie_keeps_nothing_where_he_may_only_look(post, charlie):
    with pytest.raises(PermissionDenied):
        autosaving.keep(post, charlie, uuid4(), {"text": ["Mine"]}, 1)
    assert not Editing.objects.exists()


def test_more_than_a_composer_holds_is_not_kept(post, alice):
    with pytest.raises(ValidationError):
        autosaving.keep(post, alice, uuid4(), {"text": ["x" * (autosaving.MOST + 1)]}, 1)


def test_a_page_keeps_to_its_post(post, alice, acme):
    tab = uuid4()
    autosaving.keep(post, alice, tab, {"text": ["Here"]}, 1)
    other = Post.objects.create(author=alice, title="Other")
    with pytest.raises(ValidationError):
        autosaving.keep(other, alice, tab, {"text": ["There"]}, 0)


@pytest.mark.parametrize("number", ["-5", "2147483648", "9" * 30])
def test_a_revision_that_no_post_has_is_not_kept_as_one(post, alice, acme, number):
    answer = factories.signed_in(alice).post(
        f"/posts/{post.pk}/autosave/", fields("Words", tab := uuid4(), expected_revision=number, channels=[acme.pk])
    )
    assert answer.status_code == 200
    assert Editing.objects.get(tab=tab).began_at == 0


def test_first_words_that_are_too_many_are_refused_in_words(acme, alice):
    said = {"tab": str(uuid4()), "text": "x" * 100_001, "channels": [acme.pk]}
    answer = factories.signed_in(alice).post("/posts/new/autosave/", said)
    assert (answer.status_code, "too long" in answer.content.decode()) == (422, True)
    assert not Post.objects.exists()


def test_two_requests_of_one_page_at_once_make_one_draft(fresh_database):
    acme, tab = staffed(factories.channel("sandbox", name="Acme")), uuid4()
    alice = factories.person("alice")
    said = at_once(*2 * [lambda: autosaving.begin(alice, tab, [acme], "Hello")])
    assert said == [Post.objects.get()] * 2
