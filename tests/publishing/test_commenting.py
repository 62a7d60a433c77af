"""Talking about a post: who may, who is told, who reads what, and what is never changed."""

import time

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts.models import Notification, Person
from publishing import approving, commenting, drafting, queries
from publishing.models import Ask, Comment, CommentThread
from publishing.permissions import readers_of, visible_posts
from tests import factories
from tests.publishing.steps import ask, events, page, trail, write


@pytest.fixture
def thread(post, alice):
    return commenting.open_thread(post, alice, "Is the price right?").thread


def told(person) -> list[tuple[str, bool]]:
    return [(each.kind, each.by_mail) for each in Notification.objects.filter(person=person).order_by("id")]


def say(client, post, text: str, htmx: bool = True, path: str = "", **more):
    headers = {"HX-Request": "true"} if htmx else {}
    return client.post(path or f"/posts/{post.pk}/comments/", {"text": text, **more}, headers=headers)


def test_a_question_is_asked_answered_and_resolved_by_name(post, alice, bob, writer):
    asked = commenting.open_thread(post, bob, "Is it 0.20 €?", quote="0.20 €")
    commenting.answer(asked.thread, alice, "It is.")
    commenting.resolve(asked.thread, bob)
    shown = page(writer, f"/posts/{post.pk}/comments/")
    for words in ("Is it 0.20 €?", "It is.", "“0.20 €”", "Resolved by Bob", "Internal"):
        assert words in shown
    commenting.reopen(asked.thread, alice)
    assert trail(post)[-4:] == ["comment.written", "comment.written", "comment.resolved", "comment.reopened"]
    commenting.resolve(asked.thread, bob)
    commenting.answer(asked.thread, bob, "One more thing.")
    asked.thread.refresh_from_db()
    assert asked.thread.resolved_at is None, "what is answered is open again"
    assert (told(alice), told(bob)) == ([("comment.written", False)], [("comment.written", False)])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@Bob, look", ["Bob"]),
        ("(@bob) and @DANA", ["Bob", "Dana"]),
        ("@Bobby or bob@example.test or x@bob", []),
        ("tag @acme.example", []),
        ("@Mira Lund please", ["Mira Lund"]),
        ("@mira", ["Mira Lund"]),
        ("@Bob @Bob", ["Bob"]),
    ],
)
def test_who_is_named_after_an_at_is_told_by_mail(post, acme, alice, text, names):
    factories.grant(acme, factories.person("mira lund"), "viewer")
    comment = commenting.open_thread(post, alice, text)
    assert [p.name for p in comment.mentions.order_by("name")] == names
    assert [told(person) for person in comment.mentions.all()] == [[("comment.mentioned", True)]] * len(names)
    assert events(post)[-1].data["mentions"] == [p.pk for p in comment.mentions.order_by("pk")]


def test_who_is_named_is_found_at_once_among_thousands(post, alice):
    Person.objects.bulk_create(Person(name=f"Reader{n} Somebody", email=f"r{n}@example.test") for n in range(2000))
    text = " ".join(f"@Stranger{n}" for n in range(300)) + " @Bob"
    begun = time.process_time()
    comment = commenting.open_thread(post, alice, text)
    assert time.process_time() - begun < 5, "one comparison a person and mention takes a minute"
    assert [person.name for person in comment.mentions.all()] == ["Bob"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@Olga?", "Olga may not see this post"),
        ("@Dana?", "Dana has left"),
        ("@Ann", "Write the whole name: @Ann Berg or @Ann Holm"),
    ],
)
def test_who_cannot_be_told_is_not_mentioned_and_nothing_is_said(post, acme, alice, dana, text, words):
    factories.person("olga")
    factories.departed(dana)
    for name in ("ann berg", "ann holm"):
        factories.grant(acme, factories.person(name), "viewer")
    with pytest.raises(ValidationError, match=words):
        commenting.open_thread(post, alice, text)
    assert not Comment.objects.exists()


@pytest.mark.parametrize("person", ["alice", "bob", "charlie", "dana", "gina", "olga", "frank", "ines"])
def test_who_reads_a_post_is_counted_the_same_from_both_sides(post, approval, person, gina):
    roles = {"frank": ["auditor"], "ines": ["admin"]}.get(person, [])
    who = factories.person(person, *roles)
    if person == "dana":
        factories.departed(who)
    assert readers_of(post).filter(pk=who.pk).exists() == visible_posts(who).filter(pk=post.pk).exists()


def test_whoever_is_asked_reads_that_post_until_their_place_ends(post, approval, acme, alice):
    zoe, other = factories.person("zoe"), write(alice, [acme], "Another post")
    place = Ask.objects.create(stage=approval.stages.get(), person=zoe)
    assert list(visible_posts(zoe)) == [post]
    assert zoe in readers_of(post) and zoe not in readers_of(other)
    Ask.objects.filter(pk=place.pk).update(ended_at=timezone.now())
    assert not visible_posts(zoe).exists() and zoe not in readers_of(post)


def test_charlie_may_speak_where_he_reads_an_auditor_never_and_a_stranger_finds_nothing(post, thread, charlie):
    commenting.answer(thread, charlie, "The bank says so.")
    frank, olga = factories.person("frank", "auditor"), factories.person("olga")
    for verb in (lambda: commenting.answer(thread, frank, "x"), lambda: commenting.resolve(thread, frank),
                 lambda: commenting.open_thread(post, olga, "x"), lambda: commenting.reopen(thread, olga)):  # fmt: skip
        with pytest.raises(PermissionDenied):
            verb()
    assert say(factories.signed_in(olga), post, "x").status_code == 404
    assert "To comment you need a right" in page(factories.signed_in(frank), f"/posts/{post.pk}/comments/")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"text": "  \n "}, "Write something first."),
        ({"text": "x" * 10_000}, "10,000 characters are too many. 5,000 are the most."),
        ({"text": "Why?", "quote": "0.30 €"}, "These words do not stand in the post"),
        ({"text": "Why?", "kind": "external"}, "Nobody from outside is asked about this post"),
        ({"text": "Why?", "kind": "public"}, "public is not one of the available choices"),
    ],
)
def test_bad_input_is_said_beside_the_field_and_keeps_what_was_written(post, writer, said, words):
    answer = say(writer, post, **said)
    assert answer.status_code == 422 and words in answer.content.decode()
    assert said["text"].strip() in answer.content.decode() and not Comment.objects.exists()


def test_a_nul_is_refused_by_the_verb_too(post, alice, writer):
    assert say(writer, post, "a\0b").status_code == 400
    with pytest.raises(ValidationError, match="cannot be kept"):
        commenting.open_thread(post, alice, "a\0b")


def test_markup_is_shown_as_it_was_typed(post, alice, writer):
    commenting.open_thread(post, alice, "<script>alert(1)</script> @Bob <b> but no @Bobby")
    shown = page(writer, f"/posts/{post.pk}/comments/")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown and "<script>alert" not in shown
    assert shown.count('<b class="mention">@Bob</b>') == 1


def test_a_thread_of_another_post_is_not_answered_from_this_one(post, thread, acme, alice, writer):
    other = write(alice, [acme], "Another")
    for end in ("", "resolution/", "reopening/"):
        assert say(writer, other, "x", path=f"/posts/{other.pk}/comments/{thread.pk}/{end}").status_code == 404
    assert thread.comments.count() == 1


def test_without_a_script_it_is_a_page_that_goes_on_at_the_comment(post, thread, writer):
    answer = say(writer, post, "It is.", htmx=False, path=f"/posts/{post.pk}/comments/{thread.pk}/")
    assert (answer.status_code, answer.url) == (302, f"/posts/{post.pk}/comments/#comment-{Comment.objects.last().pk}")
    wrong = say(writer, post, "", htmx=False, path=f"/posts/{post.pk}/comments/{thread.pk}/")
    assert wrong.status_code == 422 and "<title>" in wrong.content.decode()
    assert "<title>" not in say(writer, post, "So?").content.decode()


def test_lists_say_how_many_threads_wait(post, thread, alice, bob, writer):
    ask(post, alice, bob)
    lists = [(writer, "/posts/"), (factories.signed_in(bob), "/approvals/")]
    assert all("1 unresolved" in page(*each) for each in lists)
    commenting.resolve(thread, alice)
    assert not any("unresolved" in page(*each) for each in lists)


def test_a_post_has_room_for_so_many_comments(post, thread, alice, monkeypatch):
    monkeypatch.setattr(commenting, "MOST", 2)
    commenting.answer(thread, alice, "The second.")
    with pytest.raises(ValidationError, match="on one post"):
        commenting.answer(thread, alice, "The third.")


def test_the_same_press_twice_says_it_once(post, alice):
    first = commenting.open_thread(post, alice, "Twice?")
    assert commenting.open_thread(post, alice, "Twice?") == first
    assert CommentThread.objects.count() == 1


def test_only_its_author_takes_a_comment_back_and_the_trail_keeps_it(post, thread, alice, bob, writer):
    comment = thread.comments.get()
    with pytest.raises(PermissionDenied):
        commenting.withdraw(comment, bob)
    assert factories.signed_in(bob).post(f"/comments/{comment.pk}/withdrawal/").status_code == 403
    writer.post(f"/comments/{comment.pk}/withdrawal/")
    assert "Is the price right?" not in page(writer, f"/posts/{post.pk}/comments/")
    assert (events(post)[-1].action, events(post)[-1].data["text"]) == ("comment.withdrawn", "Is the price right?")


def test_what_it_was_about_is_kept_when_the_text_changes(post, alice, writer):
    commenting.open_thread(post, alice, "Which day?", quote="1 December")
    assert "About:" in page(writer, f"/posts/{post.pk}/comments/")
    drafting.edit_post(post, alice, expected_revision=1, text="From January, transfers cost 0.20 €.")
    shown = page(writer, f"/posts/{post.pk}/comments/")
    assert "Was about, in revision 1:" in shown and "“1 December”" in shown


def test_a_passage_of_one_channel_names_the_channel(acme, second, alice, writer):
    post = write(alice, [acme, second], variants={second.pk: "Dès décembre."})
    thread = commenting.open_thread(post, alice, "Dès le 1er?", quote="Dès").thread
    assert thread.channel == second
    assert "About, on Acme France" in page(writer, f"/posts/{post.pk}/comments/")


def test_why_somebody_said_no_is_read_in_the_same_place(post, alice, bob, writer):
    approval = ask(post, alice, bob)
    approving.request_changes(approval, bob, approval.revision.hash, "It is 0.25 €.")
    assert [each.kind for each in queries.talk(post).open] == ["note"]
    shown = page(writer, f"/posts/{post.pk}/comments/")
    assert "It is 0.25 €." in shown and "changes requested revision 1" in shown


@pytest.mark.parametrize(
    "change",
    [
        lambda thread: CommentThread.objects.update(kind="external"),
        lambda thread: CommentThread.objects.update(quote="other"),
        lambda thread: Comment.objects.update(text="other"),
        lambda thread: Comment.objects.update(by=factories.person("bob")),
    ],
)
def test_the_database_refuses_to_change_what_was_said_and_who_reads_it(thread, change):
    with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
        change(thread)


def test_a_comment_that_was_taken_back_stays_so(thread, alice):
    commenting.withdraw(thread.comments.get(), alice)
    with pytest.raises(DatabaseError, match="only taken back"), transaction.atomic():
        Comment.objects.update(withdrawn_at=None)


def test_who_left_hears_nothing_and_says_nothing(post, thread, alice, bob):
    commenting.answer(thread, bob, "Yes.")
    factories.departed(bob)
    before = told(bob)
    commenting.answer(thread, alice, "Thanks.")
    assert told(bob) == before
    with pytest.raises(PermissionDenied):
        commenting.answer(thread, bob, "Wait.")
