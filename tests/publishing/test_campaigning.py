"""Campaigns, the rule for their links, and tags."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from publishing import campaigning, drafting, queries
from publishing.models import Campaign, Post
from publishing.models.campaign import problems_of_rule, with_rule
from publishing.permissions import visible_posts
from tests import factories
from tests.publishing.steps import MOST_QUERIES, events, page, trail, write

RULE = {"utm_source": "{network}", "utm_campaign": "{campaign}"}


@pytest.fixture
def campaign(alice):
    return campaigning.create(alice, "Winter", goal="Sell boots", link_rule=RULE)


def test_who_may_write_posts_starts_a_campaign_and_owns_it(campaign, alice):
    assert (campaign.owner, campaign.name) == (alice, "Winter")
    assert trail(campaign) == ["campaign.created"]


def test_charlie_starts_none(charlie):
    with pytest.raises(PermissionDenied):
        campaigning.create(charlie, "Mine")


@pytest.mark.parametrize("verb", ["change", "archive"])
@pytest.mark.parametrize("name", ["charlie", "bob"])
def test_a_campaign_is_its_owners_and_the_leads(campaign, acme, verb, name):
    with pytest.raises(PermissionDenied, match="Alice or a social lead"):
        getattr(campaigning, verb)(campaign, factories.person(name))


def test_a_lead_changes_it_and_the_trail_says_what(campaign, gina):
    campaigning.change(campaign, gina, goal="Sell fewer boots", name="Winter")
    assert events(campaign)[-1].data == {"changed": ["goal"]}


def test_an_owner_who_left_changes_nothing(campaign, alice):
    factories.departed(alice)
    with pytest.raises(PermissionDenied):
        campaigning.change(campaign, alice, goal="x")


def test_what_changes_nothing_leaves_no_trace(campaign, alice):
    campaigning.change(campaign, alice, goal="Sell boots")
    assert trail(campaign) == ["campaign.created"]


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"name": "  "}, "name"),
        ({"name": "Winter"}, "name"),
        ({"name": "B", "starts_on": date(2027, 3, 1), "ends_on": date(2027, 2, 1)}, "ends_on"),
        ({"name": "B", "link_rule": {"utm source": "x"}}, "link_rule"),
        ({"name": "B", "link_rule": {"utm_source": "{nobody}"}}, "link_rule"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(campaign, alice, fields, where):
    with pytest.raises(ValidationError) as refused:
        campaigning.create(alice, **fields)
    assert list(refused.value.error_dict) == [where]


def test_a_name_is_free_again_when_its_campaign_is_put_away(campaign, alice):
    campaigning.archive(campaign, alice)
    campaigning.create(alice, "Winter")
    with pytest.raises(ValidationError, match="called"):
        campaigning.restore(campaign, alice)
    assert Campaign.objects.filter(archived_at=None).count() == 1


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("utm source", "x"),
        ("1st", "x"),
        ("a&b", "x"),
        ("a", ""),
        ("a", "x" * 121),
        ("a", "{x}"),
        ("a", "{network"),
        ("a", "}"),
    ],
)
def test_a_rule_with_a_bad_line_is_refused(parameter, value):
    assert list(problems_of_rule({parameter: value, "ok": "{channel}-{network}"})) == [parameter]


def test_a_rule_has_at_most_twelve_lines():
    assert list(problems_of_rule({f"p{n}": "x" for n in range(13)})) == ["p12"]


def test_a_rule_adds_to_a_link_what_its_author_did_not_write():
    where = {"network": "mastodon", "channel": "acme_fr@social.example", "campaign": "Spring & Summer 2027"}
    assert with_rule("https://a.test/x?b=1&utm_source=mine#top", RULE, **where) == (
        "https://a.test/x?b=1&utm_source=mine&utm_campaign=spring-summer-2027#top"
    )
    assert with_rule("https://a.test", {"c": "{channel}"}, **where) == "https://a.test?c=acme_fr%40social.example"


def test_a_tag_is_renamed_on_every_post(acme, alice, gina):
    for tags in (["boot", "winter"], ["boot", "boots"], ["winter"]):
        Post.objects.filter(pk=write(alice, [acme]).pk).update(tags=tags)
    assert campaigning.rename_tag(gina, "boot", "#Boots") == 2
    assert queries.tags_in_use(visible_posts(alice)) == [("boots", 2), ("winter", 2)]
    assert all(len(set(tags)) == len(tags) for tags in Post.objects.values_list("tags", flat=True))
    assert events(Post.objects.first())[-1].data == {"was": "boot", "now": "boots"}


def test_charlie_and_alice_rename_no_tag(post, alice, charlie):
    Post.objects.update(tags=["boot"])
    for person in (alice, charlie):
        with pytest.raises(PermissionDenied):
            campaigning.rename_tag(person, "boot", "boots")


@pytest.mark.parametrize(
    ("tag", "to"), [("boot", " "), ("boot", "a,b"), ("boot", "x" * 41), ("boot", "Boot"), ("gone", "x")]
)
def test_a_tag_needs_a_name_and_a_post(post, gina, tag, to):
    Post.objects.update(tags=["boot"])
    with pytest.raises(ValidationError):
        campaigning.rename_tag(gina, tag, to)


def test_the_pages_ask_little(campaign, publication, alice, django_assert_max_num_queries):
    Post.objects.update(campaign=campaign, tags=["boots"])
    client = factories.signed_in(alice)
    for path in ("/campaigns/", f"/campaigns/{campaign.pk}/", f"/campaigns/{campaign.pk}/change/", "/tags/"):
        page(client, path)  # what is cached once a process is cached
        with django_assert_max_num_queries(MOST_QUERIES):
            page(client, path)
    said = page(client, f"/campaigns/{campaign.pk}/")
    assert "Winter rates" in said
    assert "utm_source=network&amp;utm_campaign=winter" in said


def test_charlie_sees_a_campaign_and_none_of_its_posts(campaign, alice, second):
    elsewhere = write(alice, [second])
    Post.objects.filter(pk=elsewhere.pk).update(campaign=campaign, title="Not for Nora")
    assert "Not for Nora" not in page(factories.signed_in(factories.person("nora")), f"/campaigns/{campaign.pk}/")


def test_a_bad_line_of_the_form_is_said_beside_its_field(alice):
    client = factories.signed_in(alice)
    sent = {
        "name": "Spring",
        "owner": alice.pk,
        "parameter_0": "utm source",
        "value_0": "x",
        "parameter_1": "a",
        "value_1": "{me}",
    }
    answer = client.post("/campaigns/new/", sent)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["parameter_0", "value_1"]
    assert "{me} means nothing here" in answer.content.decode()


def test_the_example_follows_what_is_typed(alice):
    typed = "?name=Spring+fair&parameter_0=utm_campaign&value_0={campaign}"
    assert "utm_campaign=spring-fair" in page(factories.signed_in(alice), f"/campaigns/new/{typed}")


def test_a_campaign_is_started_and_changed_by_its_form(alice):
    client = factories.signed_in(alice)
    sent = {"name": "Spring", "owner": alice.pk, "parameter_0": "utm_source", "value_0": "{network}"}
    assert client.post("/campaigns/new/", sent).status_code == 302
    spring = Campaign.objects.get()
    assert spring.link_rule == {"utm_source": "{network}"}
    client.post(f"/campaigns/{spring.pk}/change/", sent | {"value_0": "", "parameter_0": "", "starts_on": "2027-03-01"})
    spring.refresh_from_db()
    assert (spring.link_rule, spring.starts_on) == ({}, date(2027, 3, 1))


def test_what_was_put_away_takes_no_more_posts_and_keeps_those_it_has(campaign, acme, alice, writer):
    inside, outside = write(alice, [acme], campaign=campaign), write(alice, [acme], title="Outside")
    campaigning.archive(campaign, alice)
    campaign.refresh_from_db()
    for act in (
        lambda: write(alice, [acme], campaign=campaign),
        lambda: drafting.edit_post(outside, alice, expected_revision=1, campaign=campaign),
    ):
        with pytest.raises(ValidationError) as refused:
            act()
        assert "Winter was put away" in refused.value.message_dict["campaign"][0]
    sent = {"text": "A", "channels": [acme.pk], "campaign": campaign.pk}
    answer = writer.post("/posts/new/", sent)
    assert answer.status_code == 422 and "Winter was put away" in answer.content.decode()
    drafting.edit_post(inside, alice, expected_revision=1, text="Another", campaign=campaign)
    inside.refresh_from_db()
    assert (inside.text, inside.campaign) == ("Another", campaign)
