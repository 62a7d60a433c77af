"""Agreeing from outside: the link, the code, one decision, and every way around them."""

import re
import threading
from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import MailDelivery, Person
from publishing import approving, arranging, attaching, drafting, linking, storing, submitting
from publishing.models import AgreementLink, Approval, ApprovalStage, Ask, Decision, ExternalApprover, Post
from tests import factories, files
from tests.publishing.outside import asked_outside, mailed, path_of, through_the_door, with_lawyers
from tests.publishing.steps import TEXT, staffed, trail, until_somebody_waits, write


@pytest.fixture
def nora(gina):
    return linking.add_external(gina, "Nora", "nora@lawyers.test", "Lawyers & Co")


@pytest.fixture
def workflow(gina, bob, nora):
    return with_lawyers(gina, bob, nora)


@pytest.fixture
def sent(workflow, post, alice, bob):
    return asked_outside(post, alice, bob)


def hidden(html: str, name: str) -> str:
    return re.search(rf'name="{name}" value="([^"]+)"', html).group(1)


def test_from_the_mail_to_the_decision(sent, post):
    body = mailed()
    assert "[agreement" not in body
    stored = MailDelivery.objects.latest("id")
    assert "[agreement:" in stored.body, "the address is never stored"
    assert stored.subject == f"Alice asks you to agree to a post: {post.title}"
    path = path_of(body)
    assert TEXT not in Client().get(path).content.decode()
    client, html = through_the_door(path)
    assert TEXT in html
    said = {"verdict": "approved", "revision_hash": hidden(html, "revision_hash")}
    answer = client.post(f"{path}post/", said)
    assert "You agreed" in answer.content.decode()
    assert Post.objects.get(pk=post.pk).state == "approved"
    assert "session" not in client.cookies
    actions = trail(sent.ask.stage.approval)
    for action in ("agreement.link_sent", "agreement.code_sent", "agreement.opened", "approval.approved"):
        assert action in actions
    assert client.get(path).status_code == 410  # once
    again = client.post(f"{path}post/", said)
    assert again.status_code == 410
    assert Decision.objects.filter(external__isnull=False).count() == 1


def test_a_no_needs_a_reason_and_goes_back(sent, post):
    path = path_of(mailed())
    client, html = through_the_door(path)
    said = {"revision_hash": hidden(html, "revision_hash"), "verdict": "rejected"}
    for bad in ({"note": ""}, {"note": "x" * 5001}, {"verdict": "withdrawn", "note": "Mine"}):
        assert client.post(f"{path}post/", {**said, **bad}).status_code == 422
    assert client.post(f"{path}post/", {**said, "note": "Not lawful"}).status_code == 200
    assert Post.objects.get(pk=post.pk).state == "rejected"


def test_the_second_time_the_page_says_what_changed_since(sent, post, alice, bob):
    path = path_of(mailed())
    client, html = through_the_door(path)
    assert "Changed since you last decided" not in html
    said = {"revision_hash": hidden(html, "revision_hash"), "verdict": "changes_requested", "note": "0.25 €"}
    client.post(f"{path}post/", said)
    drafting.edit_post(post, alice, expected_revision=1, text=TEXT.replace("0.20", "0.25"))
    post.refresh_from_db()
    asked_outside(post, alice, bob)
    _, html = through_the_door(path_of(mailed()))
    assert "Changed since you last decided" in html and "<del>20</del>" in html and "<ins>25</ins>" in html


def test_a_wrong_code_opens_nothing_and_five_are_the_last(sent):
    path, client = path_of(mailed()), Client()
    client.post(path, {"act": "code"})
    right = re.search(r"\b\d{6}\b", mailed()).group(0)
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    for _ in range(5):
        assert client.post(path, {"act": "open", "code": wrong}).status_code == 422
    answer = client.post(path, {"act": "open", "code": right})
    assert answer.status_code == 422 and "too often" in answer.content.decode()
    assert trail(sent.ask.stage.approval).count("agreement.code_refused") == 6


def test_a_code_is_good_once_and_for_ten_minutes(sent):
    path = path_of(mailed())
    client, _ = through_the_door(path)
    code = re.search(r"\b\d{6}\b", mailed()).group(0)
    assert client.post(path, {"act": "open", "code": code}).status_code == 422
    AgreementLink.objects.update(code_tries=0, code_sent_at=timezone.now() - timedelta(minutes=11))
    assert client.post(path, {"act": "open", "code": code}).status_code == 422


def test_who_agrees_from_outside_sees_the_pictures_as_long_as_the_link_stands(workflow, post, alice, bob):
    boots = storing.upload(alice, files.handed_in(files.jpeg()), title="Boots", alt_text="Two boots.")
    attaching.attach(post, boots, alice, expected_revision=1)
    post.refresh_from_db()
    approval = submitting.submit(post, alice)
    approving.approve(approval, bob, approval.revision.hash)
    client, shown = through_the_door(path_of(mailed()))
    assert "Alt text:</span> Two boots." in shown
    address = re.search(r'<img src="(/agreement-files/[^"]+)"', shown).group(1)
    answer = client.get(address)
    assert answer.status_code == 200 and answer["Content-Type"] == "image/jpeg"
    assert client.get(f"/library/files/{boots.renditions.first().pk}/").status_code == 302, "nothing else is opened"
    assert client.get(address[:-3] + "xx/").status_code == 410
    AgreementLink.objects.update(revoked_at=timezone.now())
    assert client.get(address).status_code == 410


def test_without_the_code_the_post_is_not_shown_and_nothing_is_said(sent):
    path, client = path_of(mailed()), Client()
    for proof in ("", "made-up"):
        client.cookies["agreement"] = proof
        assert client.get(f"{path}post/").url == path
        for end in ("post/", "comments/"):
            answer = client.post(f"{path}{end}", {"text": "What I wrote"})
            assert answer.status_code == 410 and "Go on with a new code" in answer.content.decode()
            assert "What I wrote</textarea>" in answer.content.decode()


def test_codes_are_not_sent_by_the_dozen(sent):
    path, client = path_of(mailed()), Client()
    assert client.post(path, {"act": "code"}).status_code == 200
    assert client.post(path, {"act": "code"}).status_code == 429
    AgreementLink.objects.update(codes_sent=10, code_sent_at=timezone.now() - timedelta(hours=1))
    assert client.post(path, {"act": "code"}).status_code == 429


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda link: AgreementLink.objects.update(expires_at=timezone.now()), "has expired"),
        (lambda link: linking.revoke(link, factories.person("alice")), "taken back"),
        (lambda link: linking.end_external(link.ask.external, factories.person("gina")), "taken back"),
        (
            lambda link: submitting.withdraw(link.ask.stage.approval.post, factories.person("alice")),
            "not asked any more",
        ),
        (
            lambda link: drafting.edit_post(
                link.ask.stage.approval.post, factories.person("alice"), expected_revision=1, text="Other"
            ),
            "changed after this was sent",
        ),
    ],
)
def test_a_link_that_is_over_says_why_even_to_whoever_had_typed_the_code(sent, change, words):
    path = path_of(mailed())
    client, html = through_the_door(path)
    change(sent)
    said = {"verdict": "approved", "revision_hash": hidden(html, "revision_hash"), "note": "Kept"}
    answers = client.get(path), client.get(f"{path}post/"), client.post(f"{path}post/", said)
    for answer in (*answers, client.post(f"{path}comments/", {"text": "Kept"})):
        assert answer.status_code == 410 and words in answer.content.decode()
    assert "Kept</textarea>" in answer.content.decode(), "what was typed is not lost"
    assert not Decision.objects.filter(external__isnull=False).exists()
    assert "agreement.link_refused" in trail(sent.ask.stage.approval)


@pytest.mark.parametrize(
    ("meanwhile", "words"),
    [
        (lambda link: None, None),
        (lambda link: AgreementLink.objects.update(revoked_at=timezone.now()), "used or taken back meanwhile"),
        (lambda link: Ask.objects.update(ended_at=timezone.now()), "not asked of you any more"),
        (lambda link: ExternalApprover.objects.update(ended_at=timezone.now()), "not asked of you any more"),
        (lambda link: Person.objects.filter(name="Alice").update(email="nora@lawyers.test"), "somebody with a seat"),
        (
            lambda link: submitting.withdraw(link.ask.stage.approval.post, factories.person("alice")),
            "The request was taken back",
        ),
    ],
)
def test_what_ends_while_they_decide_refuses_it(sent, monkeypatch, meanwhile, words):
    token, proven = path_of(mailed()).split("/")[2], linking.proven
    proof = linking.check_code(token, linking.code_of(linking.send_code(token)))

    def overtaken(*said):
        link = proven(*said)
        meanwhile(link)
        return link

    monkeypatch.setattr(linking, "proven", overtaken)
    with pytest.raises(ValidationError, match=words) if words else nullcontext():
        approving.decide_by_link(token, proof, "approved", sent.ask.stage.approval.revision.hash)
    assert Decision.objects.filter(external__isnull=False).exists() == (words is None)


def test_the_proof_of_another_link_opens_nothing_here(sent, acme, alice, bob):
    path = path_of(mailed())
    client, _ = through_the_door(path)
    other = submitting.submit(write(alice, [acme], "Another post"), alice)
    approving.approve(other, bob, other.revision.hash)
    elsewhere = path_of(mailed())
    said = {"verdict": "approved", "revision_hash": other.revision.hash}
    assert elsewhere != path and client.cookies["agreement"]["path"] == path
    answer = client.post(f"{elsewhere}post/", said)
    assert answer.status_code == 410
    assert client.post(f"{path}post/", said).status_code == 422
    assert not Decision.objects.filter(external__isnull=False).exists()


@pytest.mark.parametrize("token", ["x", "1:abc", "eyJ:1:2"])
def test_an_address_that_was_made_up_opens_nothing(db, token):
    assert Client().get(f"/agreements/{token}/").status_code == 410


def test_nobody_here_agrees_as_somebody_from_outside(gina, alice):
    for email in ("ALICE@example.test", "alice+friend@example.test"):
        with pytest.raises(ValidationError, match="belongs to somebody here"):
            linking.add_external(gina, "A friend", email)
    with pytest.raises(ValidationError) as refused:
        linking.add_external(gina, "Nora", "lawyers.test")
    assert "email" in refused.value.message_dict


def test_not_even_where_the_row_was_made_past_the_verbs(sent, alice, nora):
    ExternalApprover.objects.filter(pk=nora.pk).update(email="alice+me@example.test")
    approval = sent.ask.stage.approval
    with pytest.raises(DatabaseError, match="address of somebody here"), transaction.atomic():
        Decision.objects.create(
            approval=approval, stage=sent.ask.stage, ask=sent.ask, external=nora, author=alice, verdict="approved",
            revision_hash=approval.revision.hash, parts=sent.ask.stage.covered(approval.revision.parts),
        )  # fmt: skip


def test_from_outside_alone_is_never_enough(gina, nora, workflow, alice, post):
    with pytest.raises(ValidationError, match="decided by people here"):
        arranging.remove_step(workflow.steps.get(name="Facts"), gina)
    from publishing.asking import Step
    from tests.publishing.test_stages import in_stages

    approval = in_stages(post, alice, Step("Lawyers", "legal", [], externals=[nora]))
    path = path_of(mailed())
    client, html = through_the_door(path)
    said = {"verdict": "approved", "revision_hash": hidden(html, "revision_hash")}
    with pytest.raises(DatabaseError, match="nobody here"), transaction.atomic():
        client.post(f"{path}post/", said)
    assert Approval.objects.get(pk=approval.pk).state == "pending"


def test_charlie_neither_writes_anybody_down_nor_takes_links_back(sent, charlie, alice, bob):
    for person in (alice, bob, charlie):
        with pytest.raises(PermissionDenied):
            linking.add_external(person, "X", "x@elsewhere.test")
    with pytest.raises(PermissionDenied):
        linking.revoke(sent, charlie)


def test_a_new_link_ends_the_old_one(sent, alice):
    old = path_of(mailed())
    factories.signed_in(alice).post(f"/agreement-links/{sent.pk}/", {"act": "renew"})
    assert Client().get(old).status_code == 410
    renewed = path_of(mailed())
    assert Client().get(renewed).status_code == 200
    linking.send_link(sent.ask, alice)
    assert Client().get(renewed).status_code == 410


def test_a_new_link_is_for_an_answer_that_is_still_waited_for(sent, alice, charlie):
    path, approval = path_of(mailed()), sent.ask.stage.approval
    with pytest.raises(PermissionDenied):
        linking.renew(sent, charlie)
    submitting.withdraw(approval.post, alice)
    before = MailDelivery.objects.count()
    page = factories.signed_in(alice).post(f"/agreement-links/{sent.pk}/", {"act": "renew"}, follow=True)
    assert "Nobody is waited for at this step any more" in page.content.decode()
    assert MailDelivery.objects.count() == before
    assert Client().get(path).status_code == 410


def test_no_other_site_is_told_the_address(sent):
    for answer in (Client().get(path_of(mailed())), Client().get("/agreements/made-up/")):
        assert answer.headers["Referrer-Policy"] == "same-origin"


def test_without_a_seat_nobody_fills_the_trail(sent, gina):
    path, client, approval = path_of(mailed()), Client(), sent.ask.stage.approval
    for _ in range(12):
        client.post(path, {"act": "open", "code": "-"})
    assert trail(approval).count("agreement.code_refused") == 6
    for _ in range(2):
        linking.revoke(sent, gina)
    assert trail(approval).count("agreement.link_revoked") == 1
    for _ in range(3):
        assert client.get(path).status_code == 410
    assert trail(approval).count("agreement.link_refused") == 1


def test_a_new_link_waits_for_whoever_closes_the_step_and_neither_waits_for_ever(fresh_database):
    acme = staffed(factories.channel("sandbox", name="Acme"))
    alice, bob, gina = (factories.person(*each) for each in (("alice",), ("bob",), ("gina", "social_lead")))
    with_lawyers(gina, bob, linking.add_external(gina, "Nora", "nora@lawyers.test"))
    link, made = asked_outside(write(alice, [acme]), alice, bob), []

    def renew() -> None:
        made.append(linking.renew(link, alice))
        connection.close()

    other = threading.Thread(target=renew)
    with transaction.atomic():
        approving.locked(link.ask.stage.approval)
        ApprovalStage.objects.filter(pk=link.ask.stage_id).update(escalated_at=timezone.now())
        other.start()
        until_somebody_waits()
        linking.locked(link)  # as a decision from outside does
    other.join(20)
    assert len(made) == 1 and made[0].pk != link.pk
