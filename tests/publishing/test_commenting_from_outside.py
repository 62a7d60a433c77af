"""What is said with those from outside, and what they never see: on pages, in mails, in files, by any address."""

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts.models import MailDelivery, Notification
from publishing import commenting, exporting, linking, queries, submitting
from publishing.models import AgreementLink, Comment, CommentThread, Post
from tests.publishing.outside import asked_outside, mailed, path_of, through_the_door, with_lawyers
from tests.publishing.steps import events, page, write

SECRET = "Between us: legal costs 2,000 an hour."


@pytest.fixture
def nora(gina):
    return linking.add_external(gina, "Nora Berg", "nora@lawyers.test", "Berg & Co")


@pytest.fixture
def link(gina, bob, nora, post, alice):
    with_lawyers(gina, bob, nora)
    return asked_outside(post, alice, bob)


@pytest.fixture
def question(link, post, alice):
    return commenting.open_thread(post, alice, "Is “free” fine?", external=True).thread


@pytest.fixture
def secret(link, post, bob):
    return commenting.open_thread(post, bob, SECRET).thread


@pytest.fixture
def outside(link):
    """Nora's browser, behind the code, and the address of her link."""
    path = path_of(mailed())
    return through_the_door(path)[0], path


def test_nora_answers_as_herself_and_the_author_is_told_by_mail(outside, question, post, alice, writer):
    client, path = outside
    assert "Is “free” fine?" in page(client, f"{path}post/")
    answer = client.post(f"{path}comments/", {"text": "With the price beside it.", "thread": question.pk})
    assert answer.url == f"{path}post/#comment-{Comment.objects.latest('pk').pk}"
    shown = page(writer, f"/posts/{post.pk}/comments/")
    assert "Nora Berg (Berg &amp; Co)" in shown and "With the price beside it." in shown and "Outside" in shown
    last = events(post)[-1]
    assert (last.action, last.data["external"], last.actor) == ("comment.written", "nora@lawyers.test", None)
    assert Notification.objects.filter(person=alice, kind="comment.written", by_mail=True).exists()


def test_nora_asks_about_a_passage_as_she_was_asked_about_it_and_takes_it_back(outside, post):
    client, path = outside
    wrong = client.post(f"{path}comments/", {"text": "Why?", "quote": "0.99 €"})
    assert wrong.status_code == 422 and "do not stand in the post" in wrong.content.decode()
    client.post(f"{path}comments/", {"text": "With tax?", "quote": "0.20 €"})
    asked = Comment.objects.get()
    assert (asked.thread.kind, asked.thread.quote) == ("external", "0.20 €")
    client.post(f"{path}comments/", {"withdraw": asked.pk})
    assert "With tax?" not in page(client, f"{path}post/")
    assert events(post)[-1].data == {"comment": asked.pk, "text": "With tax?", "external": "nora@lawyers.test"}


def test_nora_learns_nothing_of_a_text_that_stands_on_no_channel(gina, bob, nora, acme, alice):
    with_lawyers(gina, bob, nora)
    asked_outside(write(alice, [acme], "We buy Falcon.", variants={acme.pk: "Big news soon."}), alice, bob)
    path = path_of(mailed())
    client = through_the_door(path)[0]
    answers = {
        client.post(f"{path}comments/", {"text": "?", "quote": quote}).status_code for quote in ("Falcon", "Eagle")
    }
    assert answers == {422} and not Comment.objects.exists()
    client.post(f"{path}comments/", {"text": "?", "quote": "news"})
    assert Comment.objects.get().thread.channel == acme


def all_left():
    """Nora's mails, which have been sent."""
    mails = MailDelivery.objects.filter(to="nora@lawyers.test")
    mails.update(state="sending", lease_until=timezone.now())
    mails.update(state="done", lease_until=None)
    return mails


def test_an_answer_to_nora_is_one_mail_without_its_words(question, post, alice, bob):
    mails = all_left()
    before = mails.count()
    commenting.answer(question, alice, "The price stands there now.")
    commenting.answer(question, bob, "And the date.")
    assert mails.count() == before + 1
    body = mailed()
    assert "Alice wrote to you about “Winter rates”" in body and path_of(body)
    assert "The price stands there now." not in body


@pytest.mark.parametrize("over", ["revoked_at", "used_at", "expires_at", "withdrawn"])
def test_whose_link_is_over_gets_no_mail_of_it(link, post, alice, over):
    all_left()
    if over == "withdrawn":
        submitting.withdraw(post, alice)
    else:
        AgreementLink.objects.update(**{over: timezone.now()})
    before = MailDelivery.objects.count()
    commenting.open_thread(post, alice, "Is “free” fine?", external=True)
    assert MailDelivery.objects.count() == before


def test_internal_words_reach_nobody_outside_on_pages_in_mails_and_files(outside, secret, question, post, alice, bob):
    client, path = outside
    commenting.answer(secret, alice, SECRET + " @Bob")
    for where in (path, f"{path}post/"):
        assert "Between us" not in page(client, where)
    wrong = client.post(f"{path}post/", {"verdict": "rejected", "revision_hash": "x"})
    assert wrong.status_code == 422 and "Between us" not in wrong.content.decode()
    assert not any("Between us" in mail.body or "Between us" in mail.subject for mail in MailDelivery.objects.all())
    assert "Between us" not in str(list(exporting.table(Post.objects.all())[1]))
    assert [each.thread for each in queries.talk_outside(post)] == [question]


@pytest.mark.parametrize(
    "address", ["/posts/{post}/comments/", "/posts/{post}/", "/posts/export/?kind=csv", "/approvals/"]
)
def test_the_link_opens_no_other_address(outside, secret, post, address):
    answer = outside[0].get(address.format(post=post.pk), headers={"HX-Request": "true"})
    assert (
        answer.status_code == 204
        and "login" in answer.headers["HX-Redirect"]
        and "Between us" not in answer.content.decode()
    )


def test_an_internal_thread_is_not_there_for_nora_whichever_way_she_names_it(outside, secret, post):
    client, path = outside
    for text in ("I know.", "Again."):
        answer = client.post(f"{path}comments/", {"text": text, "thread": secret.pk})
        assert answer.status_code == 422 and "This thread is not here" in answer.content.decode()
    assert client.post(f"{path}comments/", {"withdraw": secret.comments.get().pk}).status_code == 422
    assert Comment.objects.count() == 1


def test_nor_is_a_thread_of_another_post(outside, acme, alice, bob):
    other = write(alice, [acme], "Another")
    asked_outside(other, alice, bob)
    thread = commenting.open_thread(other, alice, "Elsewhere?", external=True).thread
    client, path = outside
    assert client.post(f"{path}comments/", {"text": "x", "thread": thread.pk}).status_code == 422
    assert "Elsewhere?" not in page(client, f"{path}post/")


def test_internal_never_becomes_external(secret, post, alice, writer):
    for more in ({"kind": "external"}, {"thread": secret.pk, "kind": "external"}):
        writer.post(f"/posts/{post.pk}/comments/{secret.pk}/", {"text": "More.", **more})
    assert set(CommentThread.objects.values_list("kind", flat=True)) == {"internal"}
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        CommentThread.objects.update(kind="external")


def test_what_was_said_internally_can_be_said_outside_a_moment_later(link, post, alice):
    said = [commenting.open_thread(post, alice, "Which law?", external=outside) for outside in (False, True, True)]
    assert [comment.thread.kind for comment in said] == ["internal", "external", "external"]
    assert said[1] == said[2], "pressed twice"


def test_the_composer_writes_internally_unless_it_is_told_otherwise(question, writer, post):
    shown = page(writer, f"/posts/{post.pk}/comments/")
    assert 'value="internal" checked' in shown and "Nora Berg (Berg &amp; Co) reads it too" in shown
    assert "Answer, read outside by Nora Berg (Berg &amp; Co)" in shown
    writer.post(f"/posts/{post.pk}/comments/", {"text": "Unsaid kind"})
    assert Comment.objects.get(text="Unsaid kind").thread.kind == "internal"


@pytest.mark.parametrize("over", ["revoked", "used", "ended"])
def test_when_the_link_is_over_so_is_the_talk(outside, question, gina, nora, over):
    client, path = outside
    if over == "ended":
        linking.end_external(nora, gina)
    else:
        AgreementLink.objects.update(**{f"{over}_at": timezone.now()})
    for answer in (client.get(f"{path}post/"), client.post(f"{path}comments/", {"text": "Still here?"})):
        assert answer.status_code == 410 and "Is “free” fine?" not in answer.content.decode()
    assert not Comment.objects.filter(external=nora).exists()


def test_nobody_from_outside_fills_the_page(outside, nora, monkeypatch):
    client, path = outside
    monkeypatch.setattr(commenting, "MOST_FROM_OUTSIDE", 2)
    answers = [client.post(f"{path}comments/", {"text": f"No. {n}"}).status_code for n in range(3)]
    assert answers == [302, 302, 422]


def test_the_database_keeps_nora_where_she_is_asked(secret, question, nora, gina, acme, alice):
    stranger = linking.add_external(gina, "Otto", "otto@elsewhere.test")
    for thread, who in ((secret, nora), (question, stranger)):
        with pytest.raises(DatabaseError, match="from outside one writes"), transaction.atomic():
            Comment.objects.create(thread=thread, external=who, text="x")


def test_who_is_off_the_list_is_not_counted_as_a_reader(post, link, nora, gina, alice):
    linking.end_external(nora, gina)
    with pytest.raises(ValidationError, match="Nobody from outside"):
        commenting.open_thread(post, alice, "Anybody?", external=True)


def test_the_brief_outside_holds_nothing_that_is_ours(outside, post, acme, gina, alice, bob):
    from publishing import campaigning, holding

    campaign = campaigning.create(gina, "Secret campaign", goal="Beat them all")
    Post.objects.filter(pk=post.pk).update(campaign=campaign)
    holding.place(gina, "A complaint that nobody may know of.", channel=acme)
    client, path = outside
    shown = page(client, f"{path}post/")
    for words in ("Claims to check", "0.20 €", "Who sees it", "By agreeing you say that it may be published"):
        assert words in shown
    for words in ("Secret campaign", "Beat them all", "complaint", "similar posts", "usually", "Held now"):
        assert words not in shown
