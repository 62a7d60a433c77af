"""Two people write at once: what fits together is offered in one, and never saved by itself."""

import re

import pytest

from publishing import campaigning, drafting
from publishing.queries.merging import merged, written_in
from tests import factories

TEXT = "The rates.\n\nFrom December.\n\nAsk us."
HERS, MINE = TEXT.replace("Ask us.", "Ask in the shop."), TEXT.replace("The rates.", "Winter rates.")


@pytest.fixture
def post(acme, second, alice, dana):
    factories.grant(acme, dana, "author")
    factories.grant(second, dana, "author")
    return drafting.create_post(alice, [acme, second], TEXT, "Rates")


def conflicting(post, alice, dana, hers: dict, mine: dict):
    """(alice's browser, the page it is shown when dana was faster), both begun from the first revision."""
    drafting.edit_post(post, dana, expected_revision=1, **hers)
    channels = [v.channel_id for v in post.variants.current()]
    sent = {"text": TEXT, "channels": channels, "expected_revision": 1, "title": "Rates", **mine}
    client = factories.signed_in(alice)
    answer = client.post(f"/posts/{post.pk}/", sent)
    assert answer.status_code == 409
    return client, answer.content.decode()


def offered(html: str) -> dict[str, list[str]]:
    """The fields of the form that holds both."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(
        r'<input type="hidden" name="(\w+)" value="([^"]*)">', html.partition('id="both"')[2]
    ):
        found.setdefault(name, []).append(value)
    return {name: values for name, values in found.items() if name != "csrfmiddlewaretoken"}


def test_different_paragraphs_are_offered_in_one_and_saved_by_a_person(post, alice, dana, acme, second):
    hers = {"text": HERS, "first_comments": {acme.pk: "Her comment"}}
    client, html = conflicting(post, alice, dana, hers, {"text": MINE, f"variant_{second.pk}": "Mine there"})
    assert "both fit together" in html
    post.refresh_from_db()
    assert post.text == HERS
    assert client.post(f"/posts/{post.pk}/", offered(html)).status_code == 302
    revision = post.revisions.latest("number")
    assert revision.content["text"] == "Winter rates.\n\nFrom December.\n\nAsk in the shop."
    assert [part.text for part in revision.parts_on(second.pk)] == ["Mine there"]
    assert [part.text for part in revision.parts_on(acme.pk)][1:] == ["Her comment"]


def test_the_same_paragraph_is_shown_side_by_side_and_nothing_is_offered(post, alice, dana):
    _, html = conflicting(post, alice, dana, {"text": HERS}, {"text": TEXT.replace("Ask us.", "Write to us.")})
    assert "both fit together" not in html
    assert "Write to us.</textarea>" in html
    assert "Take theirs" in html


def test_channels_and_tags_of_both_are_kept(post, alice, dana, acme, second):
    hers = {"channels": [acme], "tags": ["hers"]}
    client, html = conflicting(post, alice, dana, hers, {"text": MINE, "tags": "mine"})
    client.post(f"/posts/{post.pk}/", offered(html))
    post.refresh_from_db()
    assert (post.text, set(post.tags)) == (MINE, {"hers", "mine"})
    assert [v.channel for v in post.variants.current()] == [acme]


def test_texts_that_carry_what_a_rule_adds_are_not_taken_apart(post, alice, dana, acme, second):
    """A revision has them with the parameters, the form without."""
    rule = campaigning.create(alice, "Winter", link_rule={"utm_source": "{network}"})
    linked = drafting.edit_post(
        post, alice, expected_revision=1, campaign=rule, variants={acme.pk: "See https://shop.example/"}
    )
    mine = written_in(linked) | {"text": MINE, f"variant_{acme.pk}": "See https://shop.example/ now"}
    elsewhere = drafting.edit_post(post, dana, expected_revision=2, title="Hers")
    assert merged(linked, elsewhere, mine)[f"variant_{acme.pk}"] == "See https://shop.example/ now"
    there = drafting.edit_post(post, dana, expected_revision=3, variants={second.pk: "Hers"})
    assert merged(linked, there, mine) is None
