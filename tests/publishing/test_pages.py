"""The pages, without a script: each main verb works by posting a form, and nothing typed is lost."""

import re
from datetime import UTC

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from publishing import drafting, holding, submitting
from publishing.models import Approval, Post, Publication
from tests import factories
from tests.publishing.steps import MOST_QUERIES, TEXT, agree, ask, page, plan, tomorrow, write


def test_a_post_goes_from_an_idea_to_the_calendar_by_pages_alone(acme, alice, bob, dana):
    writer, approver, publisher = (factories.signed_in(p) for p in (alice, bob, dana))
    sent = {"text": TEXT, "title": "Winter rates", "why_now": "The law", "channels": [acme.pk], "then": "ask"}
    answer = writer.post("/posts/new/", sent)
    post = Post.objects.get()
    assert answer.url == f"/posts/{post.pk}/approval/"
    wanted = f"{tomorrow(10):%Y-%m-%dT%H:%M}"
    answer = writer.post(answer.url, {"asked_of": bob.pk, "question": "facts", "wanted": wanted, "time_zone": "UTC"})
    approval = Approval.objects.get()
    assert TEXT in page(approver, f"/approvals/{approval.pk}/")
    decision = {"verdict": "approved", "revision_hash": approval.revision.hash, "note": ""}
    assert approver.post(f"/approvals/{approval.pk}/decision/", decision).url == "/approvals/"
    form = page(publisher, f"/variants/{post.variants.get().pk}/publication/")
    assert wanted in form  # the time its author wants is offered
    publisher.post(f"/variants/{post.variants.get().pk}/publication/", {"wall_time": wanted, "time_zone": "UTC"})
    publication = Publication.objects.get()
    assert publication.state == "scheduled"
    month = page(publisher, f"/calendar/?from={publication.due_at:%Y-%m-%d}")
    assert f"/publications/{publication.pk}/" in month


def test_the_hash_on_the_approval_page_is_the_one_that_was_asked_about(approval, bob):
    html = page(factories.signed_in(bob), f"/approvals/{approval.pk}/")
    assert re.search(r'name="revision_hash" value="(\w+)"', html).group(1) == approval.revision.hash


def test_an_edit_between_look_and_click_shows_what_changed_and_keeps_the_note(approval, alice, bob):
    client, seen = factories.signed_in(bob), approval.revision.hash
    drafting.edit_post(approval.post, alice, expected_revision=1, text=TEXT.replace("0.20", "20.00"))
    sent = {"verdict": "approved", "revision_hash": seen, "note": "Fine by me"}
    answer = client.post(f"/approvals/{approval.pk}/decision/", sent)
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "<del>0.20</del>" in html and "<ins>20.00</ins>" in html
    assert "Fine by me" in html
    assert not approval.decisions.exists()


def test_a_no_without_a_reason_keeps_the_page_and_says_what_is_missing(approval, bob):
    answer = factories.signed_in(bob).post(
        f"/approvals/{approval.pk}/decision/", {"verdict": "rejected", "revision_hash": approval.revision.hash}
    )
    assert answer.status_code == 422
    assert "Say why" in answer.content.decode()


def test_the_author_sees_why_they_may_not_decide(approval, alice):
    html = page(factories.signed_in(alice), f"/approvals/{approval.pk}/")
    assert "you wrote it" in html
    assert 'value="approved"' not in html


def test_the_author_who_posts_a_decision_all_the_same_is_refused_in_words(approval, alice):
    sent = {"verdict": "approved", "revision_hash": approval.revision.hash}
    answer = factories.signed_in(alice).post(f"/approvals/{approval.pk}/decision/", sent)
    assert answer.status_code == 403
    assert "you wrote it" in answer.content.decode()


def test_two_editors_get_both_texts(post, alice, dana):
    drafting.edit_post(post, dana, expected_revision=1, text="Dana's words")
    sent = {"text": "Alice's words", "title": "t", "channels": [post.variants.get().channel_id], "expected_revision": 1}
    client = factories.signed_in(alice)
    answer = client.post(f"/posts/{post.pk}/", sent)
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "Dana&#x27;s words" in html and "Alice&#x27;s words" in html
    assert client.post(f"/posts/{post.pk}/", {**sent, "expected_revision": 2}).status_code == 302
    post.refresh_from_db()
    assert post.text == "Alice's words"


def test_what_was_typed_stays_when_it_is_refused(acme, alice):
    sent = {"text": "x" * 100_001, "title": "Long", "channels": [acme.pk]}
    answer = factories.signed_in(alice).post("/posts/new/", sent)
    assert answer.status_code == 422
    assert "x" * 1000 in answer.content.decode()


def test_the_composer_warns_beside_the_channel_as_it_counts(acme, alice):
    sent = {"text": "é" * 501, "channels": [acme.pk]}
    html = factories.signed_in(alice).post("/posts/previews/", sent).content.decode()
    assert "501 of 500 characters" in html and "Shorten it by 1" in html


def test_an_own_text_is_saved_and_drawn(post, alice, acme):
    sent = {
        "text": TEXT,
        "title": "t",
        "channels": [acme.pk],
        "expected_revision": 1,
        f"variant_{acme.pk}": "Only here",
    }
    client = factories.signed_in(alice)
    client.post(f"/posts/{post.pk}/", sent)
    html = page(client, f"/posts/{post.pk}/")
    assert "Only here" in html and "Drifted from master" in html


def test_a_channel_one_may_not_write_for_is_no_choice(post, alice):
    foreign = factories.channel("sandbox", name="Foreign")
    sent = {"text": TEXT, "title": "t", "channels": [foreign.pk], "expected_revision": 1}
    assert factories.signed_in(alice).post(f"/posts/{post.pk}/", sent).status_code == 422


@pytest.mark.parametrize("name", ["xavier"])
def test_who_sees_none_of_its_channels_is_told_it_does_not_exist(publication, approved, name):
    client = factories.signed_in(factories.person(name))
    approval, variant = approved.approvals.get(), approved.variants.get()
    for path in (f"/posts/{approved.pk}/", f"/approvals/{approval.pk}/", f"/publications/{publication.pk}/"):
        assert client.get(path).status_code == 404
    for path in (
        f"/posts/{approved.pk}/approval/", f"/posts/{approved.pk}/approval/withdrawal/",
        f"/approvals/{approval.pk}/decision/", f"/approvals/{approval.pk}/withdrawal/",
        f"/variants/{variant.pk}/publication/", f"/publications/{publication.pk}/cancellation/",
        f"/publications/{publication.pk}/adoption/", f"/publications/{publication.pk}/keeping/",
        f"/publications/{publication.pk}/confirmation/", f"/publications/{publication.pk}/absence/",
        f"/publications/{publication.pk}/resending/", f"/publications/{publication.pk}/time/",
    ):  # fmt: skip
        assert client.post(path, {}).status_code == 404, path


def test_a_time_in_the_past_is_answered_with_the_next_valid_one(approved, dana):
    sent = {"wall_time": "2020-01-01T09:00", "time_zone": "UTC"}
    answer = factories.signed_in(dana).post(f"/variants/{approved.variants.get().pk}/publication/", sent)
    assert answer.status_code == 422
    assert "The next one is" in answer.content.decode() and "2020-01-01T09:00" in answer.content.decode()


@pytest.mark.parametrize("time", ["", "tomorrow", "2026-13-45T09:00", "9"])
def test_a_time_that_is_none_is_a_clear_error(approved, dana, time):
    sent = {"wall_time": time, "time_zone": "UTC"}
    answer = factories.signed_in(dana).post(f"/variants/{approved.variants.get().pk}/publication/", sent)
    assert answer.status_code == 422


def test_a_time_that_the_clocks_skip_says_when_it_goes_out_instead(approved, dana):
    """In Berlin there is no 02:30 on 2027-03-28."""
    sent = {"wall_time": "2027-03-28T02:30", "time_zone": "Europe/Berlin"}
    path = f"/variants/{approved.variants.get().pk}/publication/"
    page = factories.signed_in(dana).post(path, sent, follow=True).content.decode()
    assert "goes out at 03:30" in page
    assert Publication.objects.get().due_at.isoformat() == "2027-03-28T01:30:00+00:00"


def test_publish_now_by_a_button(approved, dana):
    answer = factories.signed_in(dana).post(f"/variants/{approved.variants.get().pk}/publication/", {"now": "yes"})
    assert answer.status_code == 302
    assert Publication.objects.get().due_at <= timezone.now()


def test_a_hold_is_placed_seen_everywhere_and_lifted(publication, acme):
    client = factories.signed_in(factories.person("gina", "social_lead"))
    assert "<b>1 scheduled post</b>" in page(client, "/holds/new/?scope=everything")
    client.post("/holds/new/", {"scope": "everything", "reason": "Outage in Lyon"})
    hold = holding.Hold.objects.get()
    assert "Outage in Lyon" in page(client, "/holds/")
    assert "Nothing fires" in page(client, f"/holds/{hold.pk}/lifting/")
    assert client.post(f"/holds/{hold.pk}/lifting/").url == f"/holds/{hold.pk}/triage/"
    hold.refresh_from_db()
    assert hold.lifted_at


def test_bent_cursors_show_a_list_all_the_same(alice):
    client = factories.signed_in(alice)
    for path in ("/posts/?before=x_y", "/publications/?before=2026-01-01_1", "/posts/?state=nope"):
        page(client, path)


def test_posts_are_paged_by_key(acme, alice):
    for number in range(55):
        write(alice, [acme], title=f"Post {number}")
    client = factories.signed_in(alice)
    first = page(client, "/posts/")
    following = re.search(r'href="(\?[^"]*before=[^"]+)"', first).group(1).replace("&amp;", "&")
    second = page(client, f"/posts/{following}")
    titles = re.findall(r">(Post \d+)<", first) + re.findall(r">(Post \d+)<", second)
    assert len(titles) == len(set(titles)) == 55


def test_no_page_needs_more_than_twelve_queries(publication, approved, alice, bob, acme, second):
    """With two channels, a decision, an attempt and a hold in sight."""
    other = ask(write(alice, [acme, second], title="Other"), alice, bob)
    drafting.edit_post(other.post, alice, expected_revision=1, text="More")
    hold = holding.place(factories.person("gina", "social_lead"), "Outage", channel=second)
    other, approval = ask(other.post, alice, bob), approved.approvals.get()
    client = factories.signed_in(bob)
    factories.grant(acme, bob, "manager")
    paths = [
        "/posts/", "/posts/new/", f"/posts/{approved.pk}/", f"/posts/{other.post_id}/", "/approvals/",
        f"/posts/{other.post_id}/approval/", f"/approvals/{other.pk}/", f"/approvals/{approval.pk}/", "/calendar/",
        f"/calendar/?view=day&from={publication.due_at:%Y-%m-%d}", "/publications/", f"/publications/{publication.pk}/",
        f"/publications/{publication.pk}/time/", f"/variants/{approved.variants.get().pk}/publication/", "/holds/",
        "/holds/new/", f"/holds/{hold.pk}/lifting/", f"/posts/{other.post_id}/revisions/",
        f"/posts/{other.post_id}/revisions/1/",
    ]  # fmt: skip
    for path in paths:
        page(client, path)  # what is cached once a process is cached
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page(client, path)
        assert len(queries) <= MOST_QUERIES, (path, len(queries), [q["sql"][:150] for q in queries])


def test_today_lists_what_waits_for_each(publication, alice, bob, dana):
    from publishing.queries import going_out, trouble, waiting_for

    ask_again = write(alice, [publication.channel])
    ask(ask_again, alice, bob)
    Publication.objects.filter(pk=publication.pk).update(state="missed")
    assert [w.title for w in waiting_for(bob)] == ["Approve: “Winter rates”"]
    assert "missed its time" in waiting_for(dana)[0].title
    assert len(trouble(dana)) == 1
    assert going_out(dana, hours=72)


def test_what_is_approved_for_a_moment_waits_for_who_may_schedule_it(approved, alice, dana, charlie):
    from publishing.queries import waiting_for

    (waiting,) = waiting_for(dana)
    assert waiting.title == "Schedule: “Winter rates”"
    assert waiting.url == f"/posts/{approved.pk}/"
    assert waiting.due_at == Approval.objects.get().wanted_at
    assert "; wanted " in page(factories.signed_in(dana), waiting.url)
    assert waiting_for(alice) == waiting_for(charlie) == []  # neither may publish there

    plan(approved, dana)
    assert waiting_for(dana) == []


def test_the_author_reads_why_it_came_back(approval, alice, bob):
    from publishing import approving

    approving.request_changes(approval, bob, approval.revision.hash, "The address is missing")
    assert "The address is missing" in page(factories.signed_in(alice), f"/posts/{approval.post_id}/")


def test_the_time_it_had_is_offered_again(publication, approved, alice, bob, dana):
    drafting.edit_post(approved, alice, expected_revision=1, text="Other words")
    wall = f"{publication.wall_time:%Y-%m-%dT%H:%M}"
    assert wall in page(factories.signed_in(alice), f"/posts/{approved.pk}/approval/")
    agree(approved, alice, bob)
    assert wall in page(factories.signed_in(dana), f"/variants/{approved.variants.get().pk}/publication/")


def test_a_placement_is_chosen_where_the_network_offers_some(post, alice, acme):
    client = factories.signed_in(alice)
    sent = {"text": TEXT, "title": "t", "channels": [acme.pk], "expected_revision": 1, f"placement_{acme.pk}": "story"}
    assert f'name="placement_{acme.pk}"' in page(client, f"/posts/{post.pk}/")
    client.post(f"/posts/{post.pk}/", sent)
    assert post.variants.get().placement == "story"
    assert client.post(f"/posts/{post.pk}/", {**sent, f"placement_{acme.pk}": "billboard"}).status_code == 422


def test_a_hold_is_everybodys_to_know_and_what_it_holds_only_whose_channel_it_is(publication):
    """Else everybody here reads the titles and times of every channel while something is held."""
    hold = holding.place(factories.person("gina", "social_lead"), "Outage")
    path, title = f"/holds/{hold.pk}/lifting/", publication.variant.post.title
    assert title in page(factories.signed_in(factories.person("charlie")), path)  # he may look at acme
    stranger = page(factories.signed_in(factories.person("olga")), path)
    assert "Outage" in stranger and title not in stranger and str(publication.channel.name) not in stranger


@pytest.mark.parametrize("number", ["²", "9" * 30])
def test_what_is_no_number_of_ours_is_left_out_and_breaks_nothing(acme, alice, number):
    client = factories.signed_in(alice)
    page(client, f"/calendar/?channel={number}")
    assert client.post("/posts/new/", {"text": TEXT, "channels": [number]}).status_code == 422
    assert client.post("/posts/previews/", {"text": TEXT, "channels": [number]}).status_code == 200
    assert not Post.objects.exists()


@pytest.mark.parametrize("wall", ["0001-01-01T00:00", "9999-12-31T23:59"])
def test_a_year_that_no_calendar_has_is_refused_beside_its_field(approved, post, alice, dana, wall):
    path = f"/variants/{approved.variants.get().pk}/publication/"
    for zone in ("Asia/Tokyo", "America/New_York", "UTC"):
        answer = factories.signed_in(dana).post(path, {"wall_time": wall, "time_zone": zone})
        assert answer.status_code == 422 and "Check the year" in answer.content.decode()
    assert not Publication.objects.exists()


@pytest.mark.parametrize("cursor", ["0001-01-01T00:00:00%2B14:00_1", "9999-12-31T23:59:59-23:00_1"])
def test_a_cursor_from_beyond_time_is_as_good_as_none(alice, cursor):
    for path in ("/posts/", "/publications/", "/inbox/"):
        page(factories.signed_in(alice), f"{path}?before={cursor}")


def test_the_brief_names_no_post_of_a_channel_that_its_reader_may_not_see(acme, second, alice, bob, dana):
    """A post on two channels is seen by who sees one of them; what else goes out on the other is not theirs."""
    other = agree(write(alice, [second], title="Secret launch"), alice, bob)
    wall = tomorrow(10)
    plan(other, dana, wall)
    both = ask_at(write(alice, [acme, second]), alice, bob, wall)
    olga = factories.person("olga")
    factories.grant(acme, olga, "viewer")
    path = f"/approvals/{both.pk}/"
    assert "Secret launch" in page(factories.signed_in(bob), path)
    assert "Secret launch" not in page(factories.signed_in(olga), path)


def ask_at(post, alice, bob, wall):
    return submitting.submit(post, alice, bob, "facts", wall.replace(tzinfo=UTC))


def test_a_conflict_shows_what_differs_on_each_channel_and_keeps_mine(post, alice, dana, acme, second):
    factories.grant(second, dana, "author")
    drafting.edit_post(post, alice, expected_revision=1, channels=[acme, second])
    drafting.edit_post(post, dana, expected_revision=2, variants={second.pk: "Hers there"}, threads={acme.pk: ["Her"]})
    sent = {
        "text": TEXT, "channels": [acme.pk, second.pk], "expected_revision": 2, f"variant_{second.pk}": "Mine there",
        f"thread_{acme.pk}": "My thread", f"comment_{acme.pk}": "My comment",
    }  # fmt: skip
    client = factories.signed_in(alice)
    answer = client.post(f"/posts/{post.pk}/", sent)
    html = answer.content.decode()
    assert answer.status_code == 409
    for words in ("<del>Hers</del>", "<ins>Mine</ins>", "My thread</textarea>", "My comment</textarea>", "Take theirs"):
        assert words in html
    assert "Your unsaved text" in page(client, f"/posts/{post.pk}/")  # theirs was taken, and mine is still there
    assert client.post(f"/posts/{post.pk}/", sent | {"expected_revision": 3}).status_code == 302
    assert post.revisions.latest("number").parts_on(second.pk)[0].text == "Mine there"


def test_links_of_a_campaigns_post_carry_its_rule_in_what_is_drawn_approved_and_sent(acme, alice, bob, dana):
    from publishing import campaigning

    rule = {"utm_source": "{network}", "utm_campaign": "{campaign}"}
    campaign = campaigning.create(alice, "Winter", link_rule=rule)
    sent = {
        "text": "See https://example.org/a?utm_source=mine and https://example.org/b", "channels": [acme.pk],
        "campaign": campaign.pk, "tags": "Rates, #Winter",
    }  # fmt: skip
    client = factories.signed_in(alice)
    final = "https://example.org/b?utm_source=sandbox&utm_campaign=winter"
    assert final.replace("&", "&amp;") in client.post("/posts/previews/", sent).content.decode()
    client.post("/posts/new/", sent)
    post = Post.objects.get()
    assert (post.campaign, post.tags, post.text) == (campaign, ["rates", "winter"], sent["text"])
    said = post.revisions.get().parts_on(acme.pk)[0].text
    assert final in said and "a?utm_source=mine&utm_campaign=winter" in said
    publication = plan(agree(post, alice, bob), dana)
    assert publication.text == said
    campaigning.change(campaign, alice, link_rule={"utm_source": "other"})
    assert publication.variant.post.revisions.count() == 1
    from publishing import scheduling

    scheduling.approved(post)  # stays as it was approved


def test_many_channels_stand_in_groups_that_can_be_narrowed(acme, second, alice):
    html = page(factories.signed_in(alice), "/posts/new/")
    assert 'data-words="acme france' in html and "data-group" in html
