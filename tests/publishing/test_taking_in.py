"""Who has no seat asks for a post at a private link, and follows it at another."""

import re
from datetime import timedelta

import pytest
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError
from django.test import Client

from accounts.models import MailDelivery
from publishing import campaigning, taking_in
from publishing.models import Campaign, IntakeForm, PostRequest
from tests import factories
from tests.publishing.steps import MOST_QUERIES, agree, page, plan, published, trail

SAID = {"who": "Nora", "email": "nora@shop.test", "what": "We open on Sundays.", "why": "People wait."}
EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


@pytest.fixture
def opened(gina, acme):
    """The form and the path of its link."""
    form, link = taking_in.open_form(gina, "Ask us", [acme])
    return form, "/asking/" + link.partition("/asking/")[2]


@pytest.fixture
def asked(opened, acme):
    return taking_in.take_in(opened[0], SAID | {"channels": [acme]})


def _status(request: PostRequest) -> str:
    return page(Client(), "/asked/" + taking_in.status_link(request).partition("/asked/")[2])


def test_a_lead_opens_a_form_whose_link_is_not_kept(opened, gina):
    form, path = opened
    token = path.strip("/").rpartition("/")[2]
    assert token not in str(IntakeForm.objects.values().get())
    assert taking_in.opened(token) == form
    assert trail(form) == ["intake.opened"]


@pytest.mark.parametrize("name", ["charlie", "alice", "bob"])
def test_nobody_else_opens_renews_or_closes_one(opened, acme, name):
    person = factories.person(name)
    for verb in (
        lambda: taking_in.open_form(person, "Mine"),
        lambda: taking_in.renew_link(opened[0], person),
        lambda: taking_in.close_form(opened[0], person),
    ):
        with pytest.raises(PermissionDenied):
            verb()


def test_a_new_link_ends_the_old_one_and_a_closed_form_has_none(opened, gina):
    form, path = opened
    link = taking_in.renew_link(form, gina)
    assert Client().get(path).status_code == 410
    path = "/asking/" + link.partition("/asking/")[2]
    assert Client().get(path).status_code == 200
    taking_in.close_form(form, gina)
    assert Client().post(path, SAID).status_code == 410
    assert not PostRequest.objects.exists()


def test_a_stranger_asks_and_is_told_by_mail(opened, acme):
    answer = Client().post(opened[1], SAID | {"channels": [acme.pk]})
    request = PostRequest.objects.get()
    assert answer.status_code == 302
    assert (request.who, list(request.channels.all())) == ("Nora", [acme])
    mail = MailDelivery.objects.get(to="nora@shop.test")
    assert re.search(r"/asked/\S+", mail.body).group(0) in answer.url
    assert trail(request) == ["request.received"]


def test_the_mail_to_an_address_that_anybody_may_give_has_no_word_of_theirs(opened):
    Client().post(opened[1], SAID | {"who": "you\r\n\r\nSign in at https://evil.test", "email": "another@else.test"})
    assert "evil" not in MailDelivery.objects.get(to="another@else.test").body


def test_a_machine_that_fills_the_trap_leaves_nothing(opened):
    assert Client().post(opened[1], SAID | {"website": "https://spam.test"}).status_code == 200
    assert not PostRequest.objects.exists()
    assert not MailDelivery.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("who", ""), ("email", "nora"), ("what", "x" * 5001), ("what", ""), ("why", "x" * 1001),
        ("link", "javascript:alert(1)"), ("link", "ftp://a.test/x"), ("wanted_on", "2020-01-01"),
        ("channels", "999999"),
    ],
)  # fmt: skip
def test_bad_input_is_said_beside_its_field(opened, field, value):
    answer = Client().post(opened[1], SAID | {field: value})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]


def test_a_channel_that_is_not_offered_cannot_be_suggested(opened, second):
    assert Client().post(opened[1], SAID | {"channels": [second.pk]}).status_code == 422
    with pytest.raises(ValidationError, match="offered"):
        taking_in.take_in(opened[0], SAID | {"channels": [second]})


def test_a_flood_is_refused_in_words(opened):
    for _ in range(taking_in.MOST_OF_ONE):
        taking_in.take_in(opened[0], dict(SAID))
    answer = Client().post(opened[1], SAID)
    assert answer.status_code == 422
    assert "Try again in an hour" in answer.content.decode()
    assert PostRequest.objects.count() == taking_in.MOST_OF_ONE


def test_what_a_stranger_writes_is_text_everywhere(opened, gina):
    request = taking_in.take_in(opened[0], SAID | {"who": EVIL[:60], "what": EVIL, "why": EVIL})
    client = factories.signed_in(gina)
    said = [page(client, path) for path in ("/requests/", f"/requests/{request.pk}/")]
    for text in [*said, _status(request)]:
        assert "<script>alert" not in text
        assert "<img src=x" not in text


def test_it_is_taken_up_as_a_draft_in_their_words(asked, alice, acme):
    post = taking_in.accept(asked, alice, [acme])
    asked.refresh_from_db()
    assert (post.text, post.why_now, post.author, asked.post, asked.state) == (
        "We open on Sundays.", "People wait.", alice, post, "accepted",
    )  # fmt: skip
    assert trail(asked) == ["request.received", "request.accepted"]
    assert "In work" in _status(asked)


@pytest.mark.parametrize("put_away", [False, True])
def test_the_campaign_they_chose_is_its_unless_it_was_put_away_since(opened, gina, alice, acme, put_away):
    winter = Campaign.objects.create(name="Winter", owner=gina)
    opened[0].campaigns.add(winter)
    request = taking_in.take_in(opened[0], SAID | {"campaign": winter})
    if put_away:
        campaigning.archive(winter, gina)
    post = taking_in.accept(request, alice, [acme])
    assert post.campaign == (None if put_away else winter)


def test_the_status_follows_the_post(asked, alice, bob, dana, acme):
    assert "Received" in _status(asked)
    post = taking_in.accept(asked, alice, [acme])
    publication = plan(agree(post, alice, bob), dana)
    assert "Scheduled" in _status(asked)
    published(publication)
    type(publication).objects.filter(pk=publication.pk).update(remote_url="https://there.test/1")
    assert 'href="https://there.test/1"' in _status(asked)


def test_a_refusal_has_a_reason_that_is_mailed(asked, alice):
    with pytest.raises(ValidationError, match="Choose why"):
        taking_in.refuse(asked, alice, "mood")
    taking_in.refuse(asked, alice, "no_room", "Ask again in March.")
    assert "Ask again in March." in MailDelivery.objects.order_by("pk").last().body
    assert "There is no room at that time. Ask again in March." in _status(asked)
    assert trail(asked)[-1] == "request.refused"


def test_a_double_follows_the_first(asked, opened, alice, acme):
    double = taking_in.take_in(opened[0], SAID | {"email": "emil@shop.test"})
    taking_in.mark_duplicate(double, alice, asked)
    taking_in.accept(asked, alice, [acme])
    assert "In work" in _status(double)
    third = taking_in.take_in(opened[0], SAID | {"email": "ada@shop.test"})
    for of in (third, double):
        with pytest.raises(ValidationError, match="first request"):
            taking_in.mark_duplicate(third, alice, of)


def test_it_is_decided_once_and_not_by_charlie(asked, alice, charlie, acme):
    for verb in (
        lambda: taking_in.accept(asked, charlie),
        lambda: taking_in.refuse(asked, charlie, "unclear"),
        lambda: taking_in.mark_duplicate(asked, charlie, asked),
    ):
        with pytest.raises(PermissionDenied):
            verb()
    taking_in.refuse(asked, alice, "unclear")
    with pytest.raises(ValidationError, match="already decided"):
        taking_in.accept(asked, alice, [acme])
    with pytest.raises(DatabaseError):
        PostRequest.objects.update(state="received", decided_by=None, refusal="")


def test_links_for_another_purpose_or_too_old_open_nothing(asked, monkeypatch):
    other = signing.dumps(asked.pk, salt="accounts.invitation")
    assert Client().get(f"/asked/{other}/").status_code == 410
    token = signing.dumps(asked.pk, salt=taking_in.SALT)
    monkeypatch.setattr(taking_in, "GOOD_FOR", timedelta(seconds=-1))
    assert Client().get(f"/asked/{token}/").status_code == 410


def test_charlie_sees_no_request_and_alice_no_forms(asked, charlie, alice):
    assert factories.signed_in(charlie).get("/requests/").status_code == 403
    assert factories.signed_in(charlie).get(f"/requests/{asked.pk}/").status_code == 404
    assert factories.signed_in(alice).get("/requests/forms/").status_code == 403


def test_the_pages_decide_and_ask_little(asked, alice, gina, acme, django_assert_max_num_queries):
    for person, path in ((alice, "/requests/"), (alice, f"/requests/{asked.pk}/"), (gina, "/requests/forms/")):
        client = factories.signed_in(person)
        page(client, path)
        with django_assert_max_num_queries(MOST_QUERIES):
            page(client, path)
    client = factories.signed_in(alice)
    assert client.post(f"/requests/{asked.pk}/duplicate/", {}).status_code == 422
    answer = client.post(f"/requests/{asked.pk}/acceptance/", {"channels": [acme.pk]})
    asked.refresh_from_db()
    assert answer.url == f"/posts/{asked.post_id}/"


def test_a_form_is_opened_on_a_page_that_shows_its_link_once(gina):
    client = factories.signed_in(gina)
    said = client.post("/requests/forms/", {"name": "Ask us"}).content.decode()
    path = re.search(r"/asking/[\w-]+/", said).group(0)
    assert path not in page(client, "/requests/forms/")
    assert "Ask us" in page(Client(), path)
