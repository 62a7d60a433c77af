"""Words that a rule speaks against: found however they are written, warned of, and asked for only with a reason."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from publishing import phrasing, queries, submitting
from publishing.models import Approval, PhraseOverride, PhraseRule
from publishing.queries.phrases import against
from tests import factories
from tests.publishing.steps import events, page, trail, write


@pytest.fixture
def rule(gina):
    return phrasing.add_rule(gina, "risk free", "banned", "No investment is free of risk.")


def spoken(text: str, words: str, kind: str = "banned") -> bool:
    return bool(against([text], [PhraseRule(pk=1, words=words, kind=kind)]))


@pytest.mark.parametrize(
    "text",
    [
        "It is RISK FREE!", "risk-free", "Risk\n free", "rіsk frее",
        "ri\u200bsk fr\u00adee", "ｒｉｓｋ free", "#risk_free",
        "ri\u0336sk free", "RİSK FREE".replace("İ", "I"),
    ],
)  # fmt: skip
def test_words_are_found_however_they_are_written(text):
    assert spoken(text, "risk free")


@pytest.mark.parametrize("text", ["riskfree", "asterisk free", "free risk", "risk is free", "frisk freely", ""])
def test_other_words_are_left_alone(text):
    assert not spoken(text, "risk free")


def test_a_star_stands_for_any_ending():
    assert spoken("We guaranteed it", "guarant*")
    assert not spoken("We warrant it", "guarant*")


def test_nothing_that_a_person_writes_is_a_pattern():
    text = "a" * 5000 + "!"
    assert not spoken(text, "(a+)+$")
    assert spoken("a+ and more", "(a+)+$ AND")


def test_accents_tell_words_apart():
    assert not spoken("Une pêche", "péché")


def test_a_claim_is_fine_beside_a_source():
    assert spoken("Number one in Europe", "number one", "needs_source")
    assert not spoken("Number one in Europe: https://example.org/study", "number one", "needs_source")


def test_asking_for_such_words_needs_a_reason_that_is_in_the_trail_and_before_the_approver(rule, acme, alice, bob):
    post = write(alice, [acme], "It is risk-free.")
    with pytest.raises(ValidationError) as refused:
        submitting.submit(post, alice, bob)
    assert "No investment is free of risk." in refused.value.messages[0]
    assert not Approval.objects.exists()
    submitting.submit(post, alice, bob, override="It quotes the law.")
    event = next(each for each in events(post) if each.action == "post.phrases_overridden")
    assert event.data == {"phrases": ["risk free"], "reason": "It quotes the law."}
    assert PhraseOverride.objects.get().phrases[0]["where"] == ["Acme"]
    approval = Approval.objects.get()
    html = page(factories.signed_in(bob), f"/approvals/{approval.pk}/")
    assert "It quotes the law." in html and "No investment is free of risk." in html


def test_the_thread_and_the_first_comment_are_read_too(rule, acme, alice, bob):
    post = write(alice, [acme], "Fine.", first_comments={acme.pk: "And risk free"})
    with pytest.raises(ValidationError):
        submitting.submit(post, alice, bob)


def test_the_composer_warns_while_one_writes(rule, acme, alice):
    sent = {"text": "risk free", "channels": [acme.pk]}
    answer = factories.signed_in(alice).post("/posts/previews/", sent)
    assert "No investment is free of risk." in answer.content.decode()


def test_the_page_that_asks_takes_the_reason(rule, acme, alice, bob):
    post, client = write(alice, [acme], "It is risk-free."), factories.signed_in(alice)
    sent = {"asked_of": bob.pk, "question": "facts", "time_zone": "UTC"}
    answer = client.post(f"/posts/{post.pk}/approval/", sent)
    html = answer.content.decode()
    assert answer.status_code == 422 and "say why they are right" in html and 'name="override"' in html
    assert client.post(f"/posts/{post.pk}/approval/", sent | {"override": "A quote."}).status_code == 302


def test_a_rule_that_ended_says_nothing(rule, gina, acme, alice, bob):
    phrasing.end_rule(rule, gina)
    submitting.submit(write(alice, [acme], "risk free"), alice, bob)
    assert trail(rule) == ["phrase_rule.added", "phrase_rule.ended"]


def test_charlie_makes_and_ends_no_rule(rule, charlie):
    with pytest.raises(PermissionDenied):
        phrasing.add_rule(charlie, "words", "banned", "Because")
    with pytest.raises(PermissionDenied):
        phrasing.end_rule(rule, charlie)
    assert factories.signed_in(charlie).post(f"/phrases/{rule.pk}/ending/").status_code == 403


@pytest.mark.parametrize(
    ("words", "kind", "reason", "field"),
    [
        ("!!!", "banned", "Why", "words"), ("x" * 121, "banned", "Why", "words"), ("a", "odd", "Why", "kind"),
        ("a", "banned", " ", "reason"), ("Risk  free", "banned", "Why", ""),
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused_with_what_to_do(rule, gina, words, kind, reason, field):
    if not field:
        phrasing.add_rule(gina, words, kind, reason)  # another spelling is another rule
        return
    with pytest.raises(ValidationError) as refused:
        phrasing.add_rule(gina, words, kind, reason)
    assert field in refused.value.message_dict


def test_a_rule_is_added_and_ended_on_its_page(gina):
    client = factories.signed_in(gina)
    assert client.post("/phrases/", {"words": "cure*", "kind": "banned", "reason": "No claims."}).status_code == 302
    rule = PhraseRule.objects.get()
    assert "cure*" in page(client, "/phrases/")
    client.post(f"/phrases/{rule.pk}/ending/")
    assert queries.active_rules() == []


def test_a_snippet_is_saved_replaced_by_its_owner_and_removed(acme, alice, dana):
    factories.grant(acme, dana, "author")
    snippet = phrasing.save_snippet(alice, "Opening hours", "Mon to Fri, 9 to 17.")
    assert phrasing.save_snippet(alice, "Opening hours", "Mon to Sat.").pk == snippet.pk
    with pytest.raises(ValidationError):
        phrasing.save_snippet(dana, "Opening hours", "Hers")
    with pytest.raises(PermissionDenied):
        phrasing.remove_snippet(snippet, dana)
    assert [s.text for s in queries.snippets()] == ["Mon to Sat."]
    phrasing.remove_snippet(snippet, alice)
    assert queries.snippets() == []
    assert trail(snippet) == ["snippet.saved", "snippet.saved", "snippet.removed"]


def test_a_snippet_is_not_offered_after_its_day(acme, alice):
    yesterday = timezone.localdate() - timedelta(days=1)
    phrasing.save_snippet(alice, "Winter sale", "Only until Sunday", yesterday)
    assert queries.snippets() == []


def test_charlie_saves_no_snippet(charlie):
    with pytest.raises(PermissionDenied):
        phrasing.save_snippet(charlie, "Mine", "Text")
    assert factories.signed_in(charlie).post("/snippets/", {"name": "Mine", "text": "Text"}).status_code == 422


def test_a_snippet_is_saved_on_its_page(acme, alice):
    client = factories.signed_in(alice)
    assert client.post("/snippets/", {"name": "Tags", "text": "#one #two"}).status_code == 302
    assert "#one #two" in page(client, "/snippets/")


def test_an_alt_text_is_read_as_well(rule, post):
    variant = post.variants.get()
    variant.media = [{"asset": 1, "rendition": 1, "sha256": "-", "alt": "A poster: risk free!"}]
    assert [hit.rule for hit in queries.hits([variant])] == [rule]
