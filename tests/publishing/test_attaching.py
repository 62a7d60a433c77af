"""Pictures on posts: who may put them there, what is kept, and what a change does to what was agreed."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone
from PIL import Image

from publishing import attaching, drafting, queries, scheduling, storing
from publishing.models import Asset, Revision
from publishing.permissions import visible_assets
from tests import factories, files
from tests.publishing.steps import agree, ask, events, plan, staffed, tomorrow, write


@pytest.fixture
def boots(alice):
    return upload(alice, "#c2410c", "Boots", "Two boots on a wet step.")


@pytest.fixture
def poles(alice):
    return upload(alice, "#0f766e", "Poles", "Two poles, crossed.")


@pytest.fixture
def pictured(post, boots, alice):
    attaching.attach(post, boots, alice, expected_revision=1)
    return again(post)


def upload(by, colour: str, title: str, alt: str, **about) -> Asset:
    content = files.encoded(files.drawn(colour=colour))
    return storing.upload(by, files.handed_in(content), title=title, alt_text=alt, **about)


def again(post):
    post.refresh_from_db()
    return post


def shown(post) -> list[str]:
    """The titles, in order, of what the post's only channel shows."""
    titles = dict(Asset.objects.values_list("pk", "title"))
    return [titles[each["asset"]] for each in post.variants.get().media]


def test_a_picture_is_part_of_the_revision_by_the_hash_of_its_file(pictured, boots, alice, acme):
    revision = pictured.revisions.get(number=2)
    original = boots.renditions.get(format="original")
    entry = {"asset": boots.pk, "rendition": original.pk, "sha256": boots.sha256, "alt": "Two boots on a wet step."}
    assert revision.media_for(acme.pk) == [entry]
    before = pictured.revisions.get(number=1)
    assert {part for part in revision.parts if revision.parts[part] != before.parts[part]} == {"media", "alt_text"}
    event = events(pictured)[-1]
    assert (event.action, event.data["parts"]) == ("post.edited", ["media", "alt_text"])


def test_another_alt_text_changes_that_part_alone(pictured, boots, alice):
    attaching.attach(pictured, boots, alice, expected_revision=2, alt="Boots, seen from above.")
    assert events(pictured)[-1].data["parts"] == ["alt_text"]


def test_what_the_library_says_later_does_not_change_the_post(pictured, boots, alice):
    storing.describe(boots, alice, alt_text="Something else.")
    assert pictured.variants.get().media[0]["alt"] == "Two boots on a wet step."


@pytest.mark.parametrize(
    "change",
    [
        lambda post, boots, poles, by: attaching.attach(post, poles, by, expected_revision=post.revision_number),
        lambda post, boots, poles, by: attaching.attach(post, boots, by, expected_revision=2, alt="Other words."),
        lambda post, boots, poles, by: attaching.attach(post, boots, by, expected_revision=2, format="1:1"),
        lambda post, boots, poles, by: attaching.detach(post, boots.pk, by, expected_revision=2),
    ],
)
def test_any_change_of_a_picture_takes_back_what_was_agreed_and_scheduled(
    pictured, boots, poles, alice, bob, dana, change
):
    publication = plan(agree(pictured, alice, bob), dana)
    change(pictured, boots, poles, alice)
    publication.refresh_from_db()
    assert (again(pictured).state, publication.state) == ("draft", "cancelled")
    with pytest.raises(ValidationError, match="not approved"):
        scheduling.schedule(pictured.variants.get(), tomorrow(9), "UTC", dana)


def test_the_order_is_part_of_what_is_agreed(pictured, boots, poles, alice):
    attaching.attach(pictured, poles, alice, expected_revision=2)
    assert shown(pictured) == ["Boots", "Poles"]
    first = attaching.move(pictured, poles.pk, alice, expected_revision=3, places=-1)
    assert shown(pictured) == ["Poles", "Boots"]
    assert first.hash != pictured.revisions.get(number=3).hash
    assert attaching.move(pictured, poles.pk, alice, expected_revision=4, places=-5).number == 4
    attaching.move(pictured, poles.pk, alice, expected_revision=4, places=7)
    assert shown(pictured) == ["Boots", "Poles"]


def test_two_people_at_once_is_a_conflict_and_changes_nothing(pictured, poles, alice):
    with pytest.raises(drafting.Conflict):
        attaching.attach(pictured, poles, alice, expected_revision=1)
    assert shown(pictured) == ["Boots"]


def test_charlie_may_put_nothing_on_a_post_nor_take_it_away(pictured, boots, poles, charlie):
    for verb in (
        lambda: attaching.attach(pictured, poles, charlie, expected_revision=2),
        lambda: attaching.detach(pictured, boots.pk, charlie, expected_revision=2),
        lambda: attaching.move(pictured, boots.pk, charlie, expected_revision=2, places=1),
    ):
        with pytest.raises((PermissionDenied, ValidationError)):
            verb()
    assert shown(pictured) == ["Boots"]


def test_charlie_sees_the_picture_of_a_post_that_he_sees_and_no_other(pictured, boots, poles, charlie):
    assert list(visible_assets(charlie)) == [boots]


def test_a_picture_that_is_taken_away_stays_visible_to_who_was_asked_about_it(pictured, boots, alice, bob):
    ask(pictured, alice, bob)
    attaching.detach(pictured, boots.pk, alice, expected_revision=2)
    assert list(visible_assets(bob)) == [boots]


def test_what_is_archived_or_whose_rights_ended_is_not_attached(post, boots, alice):
    storing.archive(boots, alice)
    with pytest.raises(ValidationError, match="archived"):
        attaching.attach(post, boots, alice, expected_revision=1)
    storing.bring_back(boots, alice)
    storing.describe(boots, alice, expires_at=timezone.now() - timedelta(minutes=1))
    with pytest.raises(ValidationError, match="ended"):
        attaching.attach(post, boots, alice, expected_revision=1)


def test_a_channel_of_another_post_is_refused(post, second, boots, alice):
    with pytest.raises(ValidationError):
        attaching.attach(post, boots, alice, expected_revision=1, channels=[second.pk])


def test_a_post_without_a_channel_shows_nothing_yet(alice, boots):
    with pytest.raises(ValidationError, match="Choose a channel"):
        attaching.attach(write(alice, []), boots, alice, expected_revision=1)


def test_a_file_too_large_for_a_network_is_made_smaller_for_it_alone(alice, acme):
    blue = staffed(factories.channel("bluesky", name="Acme Blue"))
    post = write(alice, [acme, blue])
    noise = files.encoded(Image.effect_noise((1500, 1100), 90).convert("RGB"), "PNG")
    asset = storing.upload(alice, files.handed_in(noise), title="Noise", alt_text="Noise.")
    assert 2_000_000 < asset.bytes < 8_000_000
    attaching.attach(post, asset, alice, expected_revision=1)
    sizes = {v.channel_id: asset.renditions.get(pk=v.media[0]["rendition"]) for v in post.variants.all()}
    assert sizes[acme.pk].limit_bytes is None
    assert sizes[blue.pk].bytes <= 2_000_000
    assert sizes[blue.pk].limit_bytes == 2_000_000
    assert queries.problems(queries.variants_of(post)) == {}


def test_an_animation_goes_only_where_it_is_taken(alice, acme):
    blue = staffed(factories.channel("bluesky", name="Acme Blue"))
    post = write(alice, [acme, blue])
    moving = storing.upload(alice, files.handed_in(files.gif(3)), title="Flags", alt_text="Three flags.")
    attaching.attach(post, moving, alice, expected_revision=1)
    assert {v.channel_id: len(v.media) for v in post.variants.all()} == {acme.pk: 1, blue.pk: 0}
    revision = post.revisions.latest("number")
    assert revision.media_for(acme.pk) and not revision.media_for(blue.pk)
    with pytest.raises(ValidationError, match="No channel of this post takes animated pictures"):
        attaching.attach(write(alice, [blue], "Other"), moving, alice, expected_revision=1)


def test_what_is_wrong_is_said_beside_the_picture_and_keeps_the_post_from_being_asked_about(post, alice, bob):
    bare = upload(alice, "#4338ca", "Bare", "")
    attaching.attach(post, bare, alice, expected_revision=1)
    (preview,) = queries.previews(queries.variants_of(again(post)))
    assert preview.pictures[0].problem == "Say what it shows, for people who cannot see it."
    with pytest.raises(ValidationError, match="Bare: Say what it shows"):
        ask(post, alice, bob)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"release": "missing"}, "release is missing"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "rights have ended"),
    ],
)
def test_rights_that_are_missing_keep_it_from_being_asked_about(pictured, boots, alice, bob, about, words):
    storing.describe(boots, alice, **about)
    with pytest.raises(ValidationError, match=words):
        ask(pictured, alice, bob)


def test_five_pictures_are_one_too_many(post, alice, bob):
    for number in range(5):
        asset = upload(alice, f"#{number}338ca", f"Picture {number}", "Something.")
        attaching.attach(again(post), asset, alice, expected_revision=post.revision_number)
    with pytest.raises(ValidationError, match="shows 4 pictures at most"):
        ask(post, alice, bob)


def test_a_post_does_not_go_out_after_the_rights_end(pictured, boots, alice, bob, dana):
    storing.describe(boots, alice, expires_at=timezone.now() + timedelta(days=1))
    agree(pictured, alice, bob)
    with pytest.raises(ValidationError) as caught:
        plan(pictured, dana)
    assert "“Boots” end on" in caught.value.message_dict["wall_time"][0]
    publication = scheduling.schedule(
        pictured.variants.get(), timezone.now().replace(tzinfo=None) + timedelta(hours=2), "UTC", dana
    )
    with pytest.raises(ValidationError, match="Boots"):
        scheduling.reschedule(publication, tomorrow(9), "UTC", dana)


def test_what_is_sent_is_frozen_with_the_publication(pictured, alice, bob, dana, acme):
    publication = plan(agree(pictured, alice, bob), dana)
    assert publication.media == Revision.objects.get(post=pictured, number=2).media_for(acme.pk)


def test_the_difference_of_two_revisions_names_the_pictures(pictured, poles, alice):
    before = pictured.revisions.latest("number")
    attaching.attach(pictured, poles, alice, expected_revision=2)
    now = pictured.revisions.latest("number")
    (difference,) = queries.differences(before, now, {})
    new = "".join(piece.text for piece in difference.pieces if piece.kind == "new")
    assert "Picture 2: Two poles, crossed." in new


def test_in_a_conflict_of_words_the_pictures_that_both_have_are_no_difference(pictured, boots, alice, acme):
    drafting.edit_post(pictured, alice, expected_revision=2, text="Theirs.")
    sent = {"text": "Mine.", "channels": [acme.pk], "expected_revision": 2, "title": pictured.title}
    answer = factories.signed_in(alice).post(f"/posts/{pictured.pk}/", sent)
    assert answer.status_code == 409
    html = answer.content.decode()
    assert "<del>Theirs</del>" in html
    assert "Picture 1:" not in html
