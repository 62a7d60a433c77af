"""A thread and a first comment: one delivery each, in order, each once, and moved, held or dropped with their post."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from publishing import drafting, holding, scheduling, submitting
from publishing.models import Publication
from publishing.models.revision import parts_of
from tests.publishing.steps import TEXT, agree, page, plan, published, tomorrow, trail, write


@pytest.fixture
def thread(acme, alice, bob):
    """Approved: a post, two that follow it, and a first comment."""
    more = {"threads": {acme.pk: ["Second", " ", "Third"]}, "first_comments": {acme.pk: "Ask us anything"}}
    return agree(write(alice, [acme], **more), alice, bob)


@pytest.fixture
def planned(thread, dana):
    return plan(thread, dana)


def parts() -> list[Publication]:
    return list(Publication.objects.exclude(state="cancelled").order_by("part"))


def states() -> list[str]:
    return [row.state for row in parts()]


def test_each_part_is_a_delivery_under_the_one_it_follows(planned):
    rows = parts()
    assert [row.text for row in rows] == [TEXT, "Second", "Third", "Ask us anything"]
    assert [row.follows_id for row in rows] == [None, rows[0].pk, rows[1].pk, rows[0].pk]
    assert {row.due_at for row in rows} == {planned.due_at}
    assert all(trail(row) == ["publication.scheduled"] for row in rows)


def test_the_hash_covers_thread_and_first_comment(thread, acme):
    content = thread.revisions.get().content
    for change in ({"thread": ["Second"]}, {"first_comment": ""}):
        variant = {**content["variants"][0], **change}
        assert parts_of({**content, "variants": [variant]})["text"] != thread.revisions.get().parts["text"]


@pytest.mark.parametrize("change", ["threads", "first_comments"])
def test_a_change_of_what_follows_takes_everything_back(planned, thread, alice, acme, change):
    values = {"threads": ["Other"], "first_comments": "Other"}
    drafting.edit_post(thread, alice, expected_revision=1, **{change: {acme.pk: values[change]}})
    thread.refresh_from_db()
    assert (thread.state, set(Publication.objects.values_list("state", flat=True))) == ("draft", {"cancelled"})


def test_what_is_left_alone_stays(thread, alice, acme):
    drafting.edit_post(thread, alice, expected_revision=1, text="New master")
    variant = thread.variants.get()
    assert (variant.thread, variant.first_comment) == (["Second", "Third"], "Ask us anything")


def test_moving_the_post_moves_what_follows(planned, dana):
    scheduling.reschedule(planned, tomorrow(15), "UTC", dana)
    planned.refresh_from_db()
    assert {row.due_at for row in parts()} == {planned.due_at}
    assert trail(parts()[2])[-1] == "publication.rescheduled"


def test_cancelling_the_post_drops_what_follows_and_makes_room(planned, thread, dana):
    scheduling.cancel(planned, dana)
    assert parts() == []
    plan(thread, dana)
    assert states() == ["scheduled"] * 4


def test_cancelling_in_the_middle_leaves_what_does_not_hang_on_it(planned, dana):
    scheduling.cancel(parts()[1], dana)
    assert [row.text for row in parts()] == [TEXT, "Ask us anything"]


def test_keeping_a_held_post_keeps_what_follows(planned, dana):
    Publication.objects.update(state="held")
    holding.keep(planned, dana)
    assert states() == ["scheduled"] * 4
    assert trail(parts()[3])[-1] == "publication.kept"


def test_a_follower_of_what_failed_is_not_moved_alone(planned, dana):
    Publication.objects.filter(part=0).update(state="sending", lease_until=timezone.now())
    Publication.objects.filter(part=0).update(state="failed", lease_until=None)
    with pytest.raises(ValidationError, match="did not go out"):
        scheduling.reschedule(parts()[1], tomorrow(15), "UTC", dana)
    scheduling.reschedule(parts()[0], tomorrow(15), "UTC", dana)
    assert states() == ["scheduled"] * 4


def test_what_is_out_stays_and_its_thread_can_still_be_moved(planned, dana):
    published(planned)
    scheduling.reschedule(parts()[1], tomorrow(15), "UTC", dana)
    assert states() == ["done", "scheduled", "scheduled", "scheduled"]
    assert parts()[2].due_at == parts()[1].due_at > parts()[3].due_at
    with pytest.raises(ValidationError):
        scheduling.schedule(planned.variant, tomorrow(16), "UTC", dana)


def test_publishing_now_is_for_all_of_it(thread, dana):
    scheduling.publish_now(thread.variants.get(), dana)
    assert all(row.due_at < timezone.now() + timedelta(seconds=1) for row in parts())


def test_a_thread_that_is_too_long_cannot_be_submitted(acme, alice, bob):
    post = write(alice, [acme], threads={acme.pk: ["More"] * 25})
    with pytest.raises(ValidationError, match="thread is too long"):
        submitting.submit(post, alice, bob)


def test_a_follower_that_is_too_long_cannot_be_submitted(acme, alice, bob):
    post = write(alice, [acme], first_comments={acme.pk: "x" * 501})
    with pytest.raises(ValidationError, match="501"):
        submitting.submit(post, alice, bob)


def test_the_composer_takes_and_shows_them(acme, alice):
    from tests import factories

    client = factories.signed_in(alice)
    sent = {"text": TEXT, "channels": [acme.pk], "expected_revision": 1}
    post = write(alice, [acme])
    more = {f"thread_{acme.pk}": ["One\r\nmore", ""], f"comment_{acme.pk}": "Under it"}
    assert client.post(f"/posts/{post.pk}/", sent | more).status_code == 302
    variant = post.variants.get()
    assert (variant.thread, variant.first_comment) == (["One\nmore"], "Under it")
    html = page(client, f"/posts/{post.pk}/")
    assert "First comment" in html and 'aria-label="Post 3 of the thread"' in html


def test_an_own_text_has_drifted_and_inherits_again_by_one_button(acme, alice):
    from tests import factories

    post, client = write(alice, [acme], variants={acme.pk: TEXT.replace("free", "gratis")}), factories.signed_in(alice)
    html = page(client, f"/posts/{post.pk}/")
    assert "Drifted from master" in html and "<ins>gratis</ins>" in html
    sent = {"text": TEXT, "channels": [acme.pk], "expected_revision": 1, f"variant_{acme.pk}": "gratis"}
    client.post(f"/posts/{post.pk}/", sent | {"inherit": acme.pk})
    assert post.variants.get().text is None
