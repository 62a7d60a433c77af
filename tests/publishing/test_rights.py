"""Rights to a picture that end: what waits goes back, what is out is listed with its link; and crops by hand."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts.models import Notification
from publishing import attaching, rendering, storing
from publishing.models import Publication
from tests import factories, files
from tests.publishing.steps import agree, events, page, plan, published, trail


@pytest.fixture
def boots(alice):
    return storing.upload(alice, files.handed_in(files.jpeg()), title="Boots", alt_text="Two boots.")


@pytest.fixture
def planned(post, boots, alice, bob, dana):
    """The approved post with its picture, for the day after tomorrow."""
    attaching.attach(post, boots, alice, expected_revision=1)
    post.refresh_from_db()
    return plan(agree(post, alice, bob), dana)


def test_what_waits_beyond_the_rights_goes_back_and_who_answers_is_told(planned, boots, alice, dana):
    storing.describe(boots, alice, expires_at=timezone.now() + timedelta(hours=1))
    planned.refresh_from_db()
    assert planned.state == "cancelled"
    assert "The rights to “Boots” end before its time" in planned.reason
    assert trail(planned)[-1] == "publication.returned"
    assert "does not go out" in Notification.objects.get(person=dana, kind="publication.returned").text


def test_what_goes_out_before_the_rights_end_stays(planned, boots, alice):
    storing.describe(boots, alice, expires_at=timezone.now() + timedelta(days=30))
    planned.refresh_from_db()
    assert planned.state == "scheduled"


def test_what_is_on_its_way_or_out_is_left_alone(planned, boots, alice):
    published(planned)
    storing.describe(boots, alice, expires_at=timezone.now() - timedelta(hours=1))
    planned.refresh_from_db()
    assert planned.state == "done"


def test_what_is_out_when_the_rights_have_ended_is_listed_with_its_link(planned, boots, alice):
    published(planned)
    Publication.objects.filter(pk=planned.pk).update(remote_url="https://there.test/1")
    writer = factories.signed_in(alice)
    assert "Nothing to take down" in page(writer, "/library/takedowns/")
    storing.describe(boots, alice, expires_at=timezone.now() - timedelta(hours=1))
    shown = page(writer, "/library/takedowns/")
    assert 'href="https://there.test/1"' in shown
    assert "Boots" in shown


def test_olga_who_works_elsewhere_is_shown_no_post_of_this_channel(planned, boots, alice, db):
    published(planned)
    storing.describe(boots, alice, expires_at=timezone.now() - timedelta(hours=1))
    olga = factories.person("olga")
    factories.grant(factories.channel("sandbox", name="Elsewhere"), olga, "author")
    reader = factories.signed_in(olga)
    assert "Nothing to take down" in page(reader, "/library/takedowns/")
    assert "In no post that you may see" in page(reader, f"/library/{boots.pk}/")


def test_its_page_says_where_it_is_used(planned, boots, alice):
    assert "Winter rates" in page(factories.signed_in(alice), f"/library/{boots.pk}/")


@pytest.mark.parametrize(
    ("format", "size"), [("1:1", (240, 240)), ("4:5", (192, 240)), ("9:16", (135, 240)), ("16:9", (320, 180))]
)
def test_each_format_is_cut_from_the_middle_until_somebody_says_more(boots, format, size):
    made = rendering.latest(boots, format)
    assert (made.width, made.height) == size
    assert rendering.latest(boots, format) == made


def test_another_part_is_kept_from_now_on_and_posts_keep_what_was_approved(planned, boots, alice):
    attaching.attach(planned.variant.post, boots, alice, expected_revision=2, format="1:1")
    before = planned.variant.post.variants.get().media[0]
    made = rendering.crop(boots, "1:1", alice, x=0, y=0, width=0.5)
    assert (made.width, made.height) == (160, 160)
    assert rendering.latest(boots, "1:1") == made
    assert planned.variant.post.variants.get().media[0] == before
    event = events(boots)[-1]
    assert (event.action, event.data["format"]) == ("asset.cropped", "1:1")


@pytest.mark.parametrize(
    "box", [{"x": 0.6, "y": 0, "width": 0.5}, {"x": 0, "y": 0.5, "width": 0.75}, {"x": -0.1, "y": 0, "width": 0.5},
            {"x": 0, "y": 0, "width": 0.001}, {"x": float("nan"), "y": 0, "width": 0.5}]
)  # fmt: skip
def test_a_part_beyond_the_picture_is_refused(boots, alice, box):
    with pytest.raises(ValidationError):
        rendering.crop(boots, "1:1", alice, **box)


def test_charlie_may_not_choose_the_part(boots, charlie):
    with pytest.raises(PermissionDenied):
        rendering.crop(boots, "1:1", charlie, x=0, y=0, width=0.5)


def test_an_animation_is_not_cut(alice):
    moving = storing.upload(alice, files.handed_in(files.gif(3)))
    with pytest.raises(ValidationError, match="stand still"):
        rendering.crop(moving, "1:1", alice, x=0, y=0, width=0.5)
    assert factories.signed_in(alice).get(f"/library/{moving.pk}/crops/1:1/").status_code == 404


def test_a_part_is_chosen_by_numbers_or_by_a_place(boots, alice):
    writer, path = factories.signed_in(alice), f"/library/{boots.pk}/crops/1:1/"
    assert 'value="12.5"' in page(writer, path)
    writer.post(path, {"x": "0", "y": "0", "width": "50"})
    assert rendering.latest(boots, "1:1").width == 160
    writer.post(path, {"x": "0", "y": "0", "width": "50", "place": "end"})
    assert rendering.latest(boots, "1:1").crop_x == pytest.approx(0.25)
    answer = writer.post(path, {"x": "80", "y": "0", "width": "50"})
    assert answer.status_code == 422
    assert "reaches beyond the picture" in answer.content.decode()
    assert writer.get(f"/library/{boots.pk}/crops/3:2/").status_code == 404
