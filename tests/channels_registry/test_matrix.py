"""People and channels crossed: who may look, what a cell says, what narrows it, and views that are kept."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts.models import AuditEvent
from channels_registry import keeping
from channels_registry.models import AccessGrant, MatrixView, NetworkIdentity
from channels_registry.permissions import oversight
from channels_registry.queries import matrix as crossing
from channels_registry.queries.narrowing import Filters
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme():
    return factories.channel(name="Acme")


@pytest.fixture
def alice():
    return factories.person("alice")


def seen(channel, person, level, **more):
    """A role that was read from the network."""
    return AccessGrant.objects.create(
        channel=channel, person=person, door="role", entitlement=level, source="observed", starts_at=timezone.now(),
        remote_id=f"{person}-{level}", last_proven_at=timezone.now(), **more,
    )  # fmt: skip


def look(reader, **said):
    return crossing.matrix(oversight(reader), Filters.read(said))


def cell(page, person, channel):
    row = next(row for row in page.rows if row.person == person)
    return row.cells[page.columns.index(channel)]


def test_a_cell_says_the_strongest_right_here_and_the_strongest_door_over_there(acme, alice):
    for level in ("viewer", "publisher", "author"):
        factories.grant(acme, alice, level)
    seen(acme, alice, "editor")
    seen(acme, alice, "Admin")
    found = cell(look(factories.erin()), alice, acme)
    assert found.strongest() == (6, "Publish", "Admin")
    assert found.mark() == ""
    assert found.proven


def test_what_is_over_does_not_count(acme, alice):
    grant = factories.grant(acme, alice, "manager")
    AccessGrant.objects.filter(pk=grant.pk).update(starts_at=timezone.now() - timedelta(1), revoked_at=timezone.now())
    assert look(factories.erin()).rows == []


@pytest.mark.parametrize(
    ("declared", "observed", "others", "mark"),
    [
        ([], ["editor"], [], "undeclared"),
        (["editor"], ["editor"], [], ""),
        (["editor"], ["admin"], [], "differs"),
        (["editor"], [], ["admin"], "unseen"),
        (["editor"], [], [], ""),  # the network lists no roles at all
    ],
)
def test_a_mark_stands_where_the_declared_and_the_observed_do_not_agree(acme, alice, declared, observed, others, mark):
    for level in declared:
        factories.grant(acme, alice, level, door="role")
    for level in observed:
        seen(acme, alice, level)
    for level in others:
        seen(acme, factories.person("bob"), level)
    factories.channel(name="Another")
    erin = factories.erin()
    assert cell(look(erin), alice, acme).mark() == mark
    for drift in ("any", "undeclared", "unseen", "differs"):
        there = [row.person for row in look(erin, drift=drift).rows]
        assert (alice in there) == (mark != "" and drift in ("any", mark)), drift


def test_a_right_here_is_a_declaration_too(acme, alice):
    factories.grant(acme, alice, "author")
    seen(acme, alice, "editor")
    assert cell(look(factories.erin()), alice, acme).mark() == ""


def test_doors_that_are_nobodys_are_counted_by_channel(acme, alice):
    stranger = NetworkIdentity.objects.create(network="sandbox", remote_id="7")
    service = NetworkIdentity.objects.create(network="sandbox", remote_id="8", matched_by="nobody")
    for identity in (stranger, service):
        seen(acme, None, f"editor {identity.pk}", identity=identity)
    assert look(factories.erin()).nobodys == [1]


def test_filters(acme, alice):
    blue, bob, erin = factories.channel("bluesky", name="Blue"), factories.person("bob", login=False), factories.erin()
    factories.grant(acme, alice, "manager")
    factories.grant(blue, bob, "holder", door="shared_login")
    factories.grant(blue, alice, "viewer")

    def found(**said):
        page = look(erin, **said)
        return {each.name for each in page.columns}, {row.person.name for row in page.rows}

    assert found() == ({"Acme", "Blue"}, {"Alice", "Bob"})
    assert found(network="bluesky") == ({"Blue"}, {"Alice", "Bob"})
    assert found(level="manage") == ({"Acme"}, {"Alice"})
    assert found(level="login") == ({"Blue"}, {"Bob"})
    assert found(q="bob") == ({"Blue"}, {"Bob"})
    assert found(q="no such person") == (set(), set())
    assert found(who="left") == (set(), set())
    factories.departed(bob)
    assert found(who="left") == ({"Blue"}, {"Bob"})
    assert found(who="what", level="ever", team="x", risk="none") == found()


def test_pages_go_down_and_across(acme, alice, monkeypatch):
    monkeypatch.setattr(crossing, "PEOPLE", 2)
    monkeypatch.setattr(crossing, "CHANNELS", 2)
    channels = [acme, *(factories.channel(name=f"Brand {n}") for n in range(4))]
    people = [alice, *(factories.person(name) for name in ("bea", "cleo", "dora", "ella"))]
    for channel in channels:
        for person in people:
            factories.grant(channel, person, "viewer")
    erin = factories.erin()
    first = look(erin)
    assert ([row.person for row in first.rows], first.columns) == (people[:2], channels[:2])
    assert (first.people, first.channels) == (5, 5)
    last = look(erin, down=look(erin, down=first.down).down, across=look(erin, across=first.across).across)
    assert ([row.person for row in last.rows], last.columns) == (people[4:], channels[4:])
    assert (last.down, last.across) == ("", "")


def test_where_few_match_the_search_goes_on_from_where_it_ended(acme, alice, monkeypatch):
    monkeypatch.setattr(crossing, "STEPS", (1, 1))
    far = [factories.channel(name=f"Brand {n}") for n in range(3)][-1]
    factories.grant(far, alice, "manager")
    first = look(factories.erin(), level="manage")
    assert (first.columns, first.rows) == ([], [])
    assert look(factories.erin(), level="manage", across=first.across).columns == [far]


def test_a_manager_sees_the_channels_they_manage_and_charlie_nothing(acme, alice):
    factories.grant(acme, alice, "manager")
    other = factories.channel(name="Other")
    factories.grant(other, alice, "publisher")
    assert look(alice).columns == [acme]
    with pytest.raises(PermissionDenied, match="Ask one of them"):
        look(factories.person("charlie"))
    assert look(factories.person("frank", "auditor")).columns == [acme, other]
    factories.departed(alice)
    with pytest.raises(PermissionDenied):
        look(alice)


def test_the_page_escapes_what_others_wrote(acme, alice):
    acme.name = "<b>Acme"
    acme.save()
    seen(acme, alice, "<script>")
    html = factories.signed_in(factories.erin()).get("/matrix/").content.decode()
    assert "<script>&" not in html
    assert "&lt;script&gt;" in html
    assert "<b>Acme" not in html


def test_it_costs_as_many_queries_however_many_there_are(acme, alice, django_assert_max_num_queries):
    for n in range(12):
        channel = factories.channel(name=f"Brand {n}")
        for name in ("alice", "bob", "gina"):
            factories.grant(channel, factories.person(name), "author")
    browser = factories.signed_in(factories.erin())
    browser.get("/people/")  # a first request notes the session as well
    for query in ("", "?level=write", "?q=a&drift=any", "?who=left"):
        with django_assert_max_num_queries(12):
            assert browser.get(f"/matrix/{query}").status_code == 200


def test_a_view_is_kept_under_a_name_and_shows_each_what_they_may_see(acme, alice):
    erin, frank = factories.erin(), factories.person("frank", "auditor")
    browser = factories.signed_in(erin)
    answer = browser.post("/matrix/views/?level=admin&network=bluesky", {"name": "Admins", "shared": "on"})
    assert answer.url == "/matrix/?network=bluesky&level=admin"
    view = MatrixView.objects.get()
    assert "?network=bluesky&amp;level=admin" in factories.signed_in(frank).get("/matrix/").content.decode()
    assert "Administrator over there" in factories.signed_in(frank).get("/matrix/views/").content.decode()
    with pytest.raises(PermissionDenied, match="or an administrator removes it"):
        keeping.remove_view(view, frank)
    assert browser.post(f"/matrix/views/{view.pk}/removal/").url == "/matrix/views/"
    events = AuditEvent.objects.filter(action__startswith="matrix_view.").values_list("action", "actor_label")
    assert sorted(events) == [("matrix_view.removed", "Erin"), ("matrix_view.saved", "Erin")]


def test_a_view_needs_a_name_and_somebody_who_may_look(acme):
    with pytest.raises(ValidationError, match="Give it a name"):
        keeping.save_view(factories.erin(), " ", Filters())
    with pytest.raises(PermissionDenied):
        keeping.save_view(factories.person("charlie"), "Mine", Filters())
    keeping.save_view(factories.erin(), "Mine", Filters(level="admin"))
    keeping.save_view(factories.erin(), "Mine", Filters(level="manage"))
    assert MatrixView.objects.get().query == "level=manage"
