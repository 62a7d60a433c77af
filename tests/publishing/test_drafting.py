"""Writing: who may, what is kept, and what a change does to what was agreed."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction

from publishing import drafting
from publishing.models import Post, Revision, Variant
from publishing.models.revision import content_of, parts_of, sha256
from tests import factories
from tests.publishing.steps import TEXT, events, trail


def test_a_post_is_kept_whole_with_a_hash_for_each_part(post, alice, acme):
    revision = post.revisions.get()
    assert revision.number == post.revision_number == 1
    assert revision.by == alice
    assert revision.content["variants"] == [{"channel": acme.pk, "placement": "feed", "text": TEXT, "own": False}]
    assert set(revision.parts) == {"text", "media", "alt_text", "channels", "placement"}
    assert revision.hash == sha256(revision.parts)
    assert trail(post) == ["post.created"]


def test_a_hash_is_the_same_wherever_and_whenever_it_is_computed():
    assert sha256([[1, "feed", "Zoë, 0.20 €"]]) == "0d02aca68327febcac41ba8963049c098f4a1128b9df3d9e75a60bd55f203767"
    assert sha256({"b": 1, "a": 2}) == sha256({"a": 2, "b": 1})


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"text": "Something else"}, ["text"]),
        ({"variants": "own"}, ["text"]),
        ({"channels": "both"}, ["text", "channels", "placement"]),
    ],
)
def test_the_trail_names_the_parts_that_changed(post, alice, acme, second, change, parts):
    change = {"channels": [acme, second]} if "channels" in change else change
    change = {"variants": {acme.pk: "Only here"}} if "variants" in change else change
    drafting.edit_post(post, alice, expected_revision=1, **change)
    event = events(post)[-1]
    assert (event.action, event.data["parts"]) == ("post.edited", parts)


def test_variants_inherit_the_master_until_they_are_changed(post, alice, acme, second):
    drafting.edit_post(post, alice, expected_revision=1, channels=[acme, second], variants={second.pk: "En français"})
    drafting.edit_post(post, alice, expected_revision=2, text="New master")
    texts = {v.channel_id: (v.final_text, v.drifted) for v in post.variants.select_related("post")}
    assert texts == {acme.pk: ("New master", False), second.pk: ("En français", True)}


def test_a_variant_can_inherit_again(post, alice, acme):
    drafting.edit_post(post, alice, expected_revision=1, variants={acme.pk: "Own"})
    drafting.edit_post(post, alice, expected_revision=2, variants={acme.pk: None})
    assert post.variants.select_related("post").get().final_text == TEXT


def test_charlie_may_not_write_where_he_may_only_look(charlie, acme):
    with pytest.raises(PermissionDenied):
        drafting.create_post(charlie, [acme], "Hello")
    assert not Post.objects.exists()


def test_charlie_may_not_change_a_post(post, charlie):
    with pytest.raises(PermissionDenied):
        drafting.edit_post(post, charlie, expected_revision=1, text="Mine")
    assert post.revisions.count() == 1


def test_nobody_adds_a_channel_on_which_they_may_not_write(post, alice):
    foreign = factories.channel("sandbox", name="Other company")
    with pytest.raises(PermissionDenied):
        drafting.edit_post(post, alice, expected_revision=1, channels=[foreign])


def test_nobody_takes_a_channel_off_on_which_they_may_not_write(alice, acme, second):
    writer = factories.person("walter")
    factories.grant(acme, writer, "author")
    post = drafting.create_post(alice, [acme, second], TEXT)
    with pytest.raises(PermissionDenied):
        drafting.edit_post(post, writer, expected_revision=1, channels=[acme])


def test_a_text_for_a_channel_of_somebody_else_is_refused(post, alice):
    foreign = factories.channel("sandbox", name="Other company")
    with pytest.raises(ValidationError):
        drafting.edit_post(post, alice, expected_revision=1, variants={foreign.pk: "Smuggled"})


def test_somebody_who_left_writes_nothing(post, acme, alice):
    factories.departed(alice)
    with pytest.raises(PermissionDenied):
        drafting.edit_post(post, alice, expected_revision=1, text="One last word")


def test_a_draft_without_a_channel_is_its_authors_alone(alice, bob):
    post = drafting.create_post(alice, [], "An idea")
    with pytest.raises(PermissionDenied):
        drafting.edit_post(post, bob, expected_revision=1, text="Mine now")
    assert drafting.edit_post(post, alice, expected_revision=1, text="A better idea").number == 2


def test_two_editors_and_neither_text_is_lost(post, alice, dana):
    drafting.edit_post(post, dana, expected_revision=1, text="Dana's words")
    with pytest.raises(drafting.Conflict) as conflict:
        drafting.edit_post(post, alice, expected_revision=1, text="Alice's words")
    assert conflict.value.theirs.content["text"] == "Dana's words"
    assert conflict.value.theirs.by == dana
    assert conflict.value.mine["text"] == "Alice's words"
    post.refresh_from_db()
    assert post.text == "Dana's words"


def test_saving_without_a_change_makes_no_revision(post, alice):
    drafting.edit_post(post, alice, expected_revision=1, text=TEXT)
    assert post.revisions.count() == 1
    assert trail(post) == ["post.created"]


def test_a_channel_taken_off_and_put_back_keeps_one_live_variant(post, alice, acme, second):
    drafting.edit_post(post, alice, expected_revision=1, channels=[second])
    drafting.edit_post(post, alice, expected_revision=2, channels=[acme])
    assert [v.channel for v in Variant.objects.current().filter(post=post)] == [acme]


def test_an_edit_voids_a_pending_approval(approval, alice):
    drafting.edit_post(approval.post, alice, expected_revision=1, text="Other words")
    approval.refresh_from_db()
    approval.post.refresh_from_db()
    assert (approval.state, approval.post.state) == ("void", "draft")
    assert trail(approval) == ["approval.voided"]


def test_an_edit_voids_an_approval_that_was_given(approved, alice):
    drafting.edit_post(approved, alice, expected_revision=1, text="Other words")
    approved.refresh_from_db()
    assert (approved.state, approved.approvals.get().state) == ("draft", "void")


@pytest.mark.parametrize("change", ["text", "variant", "channels"])
def test_an_edit_takes_back_what_is_scheduled(publication, approved, alice, acme, second, change):
    changes = {"text": {"text": "x"}, "variant": {"variants": {acme.pk: "x"}}, "channels": {"channels": [acme, second]}}
    drafting.edit_post(approved, alice, expected_revision=1, **changes[change])
    publication.refresh_from_db()
    assert publication.state == "cancelled"
    assert "changed after it was approved" in publication.reason
    assert trail(publication)[-1] == "publication.returned"


def test_a_new_title_leaves_the_approval_standing(publication, approved, alice):
    drafting.edit_post(approved, alice, expected_revision=1, title="Better title", why_now="The law asks for it")
    approved.refresh_from_db()
    publication.refresh_from_db()
    assert (approved.state, approved.title, publication.state) == ("approved", "Better title", "scheduled")


def test_going_back_to_the_approved_words_does_not_bring_the_approval_back(approved, alice):
    drafting.edit_post(approved, alice, expected_revision=1, text="Other words")
    drafting.edit_post(approved, alice, expected_revision=2, text=TEXT)
    approved.refresh_from_db()
    assert (approved.state, approved.approvals.get().state) == ("draft", "void")


def test_a_million_emoji_are_refused_and_nothing_hangs(post, alice):
    with pytest.raises(ValidationError, match="too long"):
        drafting.edit_post(post, alice, expected_revision=1, text="😀" * 1_000_000)


def test_the_database_keeps_revisions_as_they_are(post):
    for change in (lambda: Revision.objects.update(hash="0" * 64), lambda: Revision.objects.all().delete()):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_the_database_refuses_a_move_that_nobody_declared(post):
    with pytest.raises(DatabaseError), transaction.atomic():
        Post.objects.filter(pk=post.pk).update(state="approved")
    with pytest.raises(DatabaseError), transaction.atomic():
        Post.objects.create(author=post.author, title="Born approved", state="approved")


def test_what_was_agreed_is_what_the_hash_covers(approved):
    content = content_of(approved, approved.variants.all())
    assert sha256(parts_of(content)) == approved.approvals.get().revision.hash


def test_another_placement_is_another_thing_to_agree_to(approved, alice, acme):
    drafting.edit_post(approved, alice, expected_revision=1, placements={acme.pk: "story"})
    approved.refresh_from_db()
    assert (approved.state, approved.approvals.get().state) == ("draft", "void")
    assert events(approved)[-1].data["parts"] == ["placement"]


def test_a_placement_that_the_network_does_not_have_is_refused(post, alice, acme):
    with pytest.raises(ValidationError, match="no such place"):
        drafting.edit_post(post, alice, expected_revision=1, placements={acme.pk: "billboard"})
