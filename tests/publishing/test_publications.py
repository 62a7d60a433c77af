"""Publications on their pages: sorted by what has become of them, and each verb by its button."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from publishing import campaigning, drafting
from publishing.models import Post, Publication
from publishing.queries.telling import TO_DO, TOLD
from socialops.lib.delivery.models import Outcome, State
from tests import factories
from tests.publishing.steps import came_late, page, published, trail


def test_charlie_looks_and_changes_nothing(publication, approved, charlie):
    client = factories.signed_in(charlie)
    html = page(client, f"/publications/{publication.pk}/")
    assert "/cancellation/" not in html
    for path in (f"/publications/{publication.pk}/cancellation/", f"/publications/{publication.pk}/adoption/"):
        assert client.post(path).status_code == 403
    assert client.get(f"/publications/{publication.pk}/time/").status_code == 403
    assert client.get(f"/variants/{approved.variants.get().pk}/publication/").status_code == 403
    assert client.get("/holds/new/").status_code == 403
    publication.refresh_from_db()
    assert publication.state == "scheduled"


def test_publications_are_sorted_by_what_has_become_of_them(publication, dana):
    client = factories.signed_in(dana)
    assert "Winter rates" in page(client, "/publications/")
    Publication.objects.filter(pk=publication.pk).update(state="missed")
    assert "Missed" in page(client, "/publications/")  # what needs somebody comes first
    assert "Winter rates" not in page(client, "/publications/?state=out")


def test_late_is_late(publication):
    from publishing.queries import shelf_counts

    Publication.objects.filter(pk=publication.pk).update(due_at=timezone.now() - timedelta(minutes=5))
    assert shelf_counts(Publication.objects.all())["late"] == 1


@pytest.mark.parametrize(
    ("noun", "words", "done"),
    [
        ("cancellation", "It does not go out", "publication.cancelled"),
        ("adoption", "Dana still answers for it", ""),
        ("keeping", "It is not held", ""),
        ("resending", "Nobody has to decide", ""),
        ("absence", "Nobody has to decide", ""),
    ],
)
def test_each_button_does_its_verb_or_says_why_not(publication, dana, noun, words, done):
    client, before = factories.signed_in(dana), trail(publication)
    shown = client.post(f"/publications/{publication.pk}/{noun}/", follow=True).content.decode()
    assert words in shown
    assert trail(publication) == before + ([done] if done else [])


def test_what_is_out_is_called_published(publication, alice):
    """Whatever the machinery calls it: on the day, on the post, in the list and on its own page."""
    published(publication)
    client = factories.signed_in(alice)
    for path in (
        f"/calendar/?view=day&from={publication.due_at:%Y-%m-%d}", f"/posts/{publication.variant.post_id}/",
        "/publications/?state=out", f"/publications/{publication.pk}/",
    ):  # fmt: skip
        html = page(client, path)
        assert "</svg>Published</span>" in html, path
        assert "Done" not in html, path


def test_a_posts_page_goes_on_by_itself_while_something_is_about_to_happen(publication, alice):
    client, post = factories.signed_in(alice), f"/posts/{publication.variant.post_id}/"
    said = page(client, post)
    assert (">Scheduled</span>" in said, "every 2s" in said) == (True, False)
    Publication.objects.filter(pk=publication.pk).update(due_at=timezone.now() + timedelta(seconds=20))
    assert "every 2s" in page(client, post)
    published(publication)
    said = page(client, post)
    assert ('id="progress"><span class="tag ok">' in said, "every 2s" in said) == (True, False)


def test_what_is_out_does_not_hide_that_its_post_has_to_be_approved_anew(publication, approved, alice):
    published(publication)
    drafting.edit_post(approved, alice, expected_revision=1, text="New words")
    head = (
        page(factories.signed_in(alice), f"/posts/{approved.pk}/")
        .partition('id="progress"')[2]
        .partition("Written by")[0]
    )
    assert "Draft" in head and "Published" in head


def test_a_late_answer_leaves_one_button_with_the_address_in_place(publication, dana):
    client, path = factories.signed_in(dana), f"/publications/{publication.pk}/"
    Publication.objects.filter(pk=publication.pk).update(state="blocked")
    html = page(client, path)
    assert f"{path}cancellation/" in html
    assert f"{path}confirmation/" not in html
    came_late(publication)
    html = page(client, path)
    assert "says that it is out" in html
    assert "https://there.test/late-1" in html
    for verb in ("cancellation", "time", "absence", "resending", "adoption"):
        assert f"{path}{verb}/" not in html
    shown = client.post(f"{path}cancellation/", follow=True).content.decode()
    assert "late answer" in shown
    client.post(f"{path}confirmation/", {"url": "https://there.test/late-1"})
    publication.refresh_from_db()
    assert publication.state == "done"


def test_the_wall_time_is_shown_as_it_was_said_wherever_one_reads_it(publication, dana, acme):
    wall = f"{publication.wall_time:%a %-d %b %Y, %H:%M}"
    berlin = factories.person("gina", "auditor", time_zone="Europe/Berlin")
    for reader in (dana, berlin):
        html = " ".join(page(factories.signed_in(reader), f"/publications/{publication.pk}/").split())
        assert f"<dt>Planned in UTC</dt><dd>{wall}</dd>" in html


def test_the_list_is_narrowed_by_channel_network_campaign_and_person(publication, second, alice, dana):
    winter, spring = campaigning.create(alice, "Winter"), campaigning.create(alice, "Spring")
    Post.objects.update(campaign=winter)
    client = factories.signed_in(alice)
    here = [
        f"channel={publication.channel_id}", "network=sandbox", f"campaign={winter.pk}", f"answerable={dana.pk}",
        "channel=x", "campaign=" + "9" * 40,
    ]  # fmt: skip
    for narrowed in here:
        assert "Winter rates" in page(client, f"/publications/?state=due&{narrowed}"), narrowed
    for narrowed in (f"channel={second.pk}", "network=other", f"campaign={spring.pk}", f"answerable={alice.pk}"):
        assert "Winter rates" not in page(client, f"/publications/?state=due&{narrowed}"), narrowed


def test_each_attempt_is_told_in_plain_words_with_what_to_do(publication, dana):
    publication.attempts.create(
        fence=1, started_at=Now(), deadline_at=Now(), outcome="unknown", evidence={"detail": "read timed out"}
    )
    Publication.objects.filter(pk=publication.pk).update(state="held")
    said = page(factories.signed_in(dana), f"/publications/{publication.pk}/")
    assert "no clear answer came. It may be out." in said
    assert "read timed out" in said
    assert "Keep it, give it another time, or drop it." in said


def test_every_state_and_outcome_has_words():
    assert set(TO_DO) == {*State.values, "late"} - {"scheduled", "sending"}
    assert set(TOLD) == {None, *Outcome.values}
