"""Views of the calendar that are kept under a name."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from publishing import keeping
from publishing.models import OpeningView, SavedView
from publishing.queries.calendar import Filters
from tests import factories
from tests.publishing.steps import page, trail


@pytest.fixture
def saved(acme, alice):
    return keeping.save_view(alice, "Rates", "list", Filters(channel=acme.pk, tag="rates"))


def test_it_is_a_plain_link_in_the_calendar_of_whose_it_is(saved, acme, alice, dana):
    link = f'href="?view=list&amp;channel={acme.pk}&amp;tag=rates">Rates</a>'
    assert link in page(factories.signed_in(alice), "/calendar/?view=month")
    assert "Rates</a>" not in page(factories.signed_in(dana), "/calendar/?view=month")
    assert trail(saved) == ["view.saved"]


def test_a_shared_one_is_everybodys_and_shows_each_what_they_may_see(publication, alice, dana):
    olga = factories.person("olga")
    shared = keeping.save_view(alice, "Ours", "list", Filters(q="winter"), shared=True)
    for person, sees in ((dana, True), (olga, False)):
        client = factories.signed_in(person)
        assert ">Ours</a>" in page(client, "/calendar/?view=month")
        html = page(client, f"/calendar/?view=list&q=winter&from={publication.due_at:%Y-%m-%d}")
        assert (f"/publications/{publication.pk}/" in html) is sees
    channel = keeping.save_view(alice, "One channel", "list", Filters(channel=publication.channel_id), shared=True)
    html = page(factories.signed_in(olga), "/calendar/views/")
    assert "a channel that you do not see" in html
    assert "Acme" not in html
    assert {shared.name, channel.name} == {"Ours", "One channel"}


def test_the_calendar_opens_with_the_one_that_was_chosen(saved, acme, alice):
    client = factories.signed_in(alice)
    client.post(f"/calendar/views/{saved.pk}/opening/")
    there = f"/calendar/?view=list&channel={acme.pk}&tag=rates"
    assert client.get("/calendar/").url == there
    assert client.get("/calendar/?view=month").status_code == 200  # the address is the state
    client.post(f"/calendar/views/{saved.pk}/opening/", {"drop": "yes"})
    assert client.get("/calendar/").status_code == 200
    assert trail(alice)[-2:] == ["view.opens", "view.opens"]
    keeping.open_with(saved, alice)
    other = keeping.save_view(alice, "Other", "week", Filters())
    keeping.open_with(other, alice)
    assert OpeningView.objects.get().view == other


def test_the_same_name_again_takes_its_place(saved, alice):
    client = factories.signed_in(alice)
    answer = client.post("/calendar/views/?view=week&tag=new", {"name": "Rates", "shared": "on"})
    assert answer.url == "/calendar/?view=week&tag=new"
    view = SavedView.objects.get()
    assert (view.pk, view.layout, view.filters, view.shared) == (saved.pk, "week", {"tag": "new"}, True)


def test_one_that_is_shared_no_more_opens_nobody_elses_calendar(alice, dana):
    shared = keeping.save_view(alice, "Ours", "list", Filters(), shared=True)
    keeping.open_with(shared, dana)
    keeping.save_view(alice, "Ours", "list", Filters())
    assert not OpeningView.objects.exists()


def test_charlie_neither_opens_nor_removes_what_is_anothers(saved, alice, charlie, gina):
    shared = keeping.save_view(alice, "Ours", "list", Filters(), shared=True)
    was = [SavedView(pk=each.pk) for each in (saved, shared)]
    client = factories.signed_in(charlie)
    assert client.post(f"/calendar/views/{saved.pk}/opening/").status_code == 404
    assert client.post(f"/calendar/views/{saved.pk}/removal/").status_code == 404
    assert client.post(f"/calendar/views/{shared.pk}/removal/").status_code == 403
    with pytest.raises(PermissionDenied):
        keeping.open_with(saved, charlie)
    with pytest.raises(PermissionDenied):
        keeping.remove_view(saved, gina)
    keeping.remove_view(shared, gina)
    factories.signed_in(alice).post(f"/calendar/views/{saved.pk}/removal/")
    assert not SavedView.objects.exists()
    assert [trail(view)[-1] for view in was] == ["view.removed"] * 2


def test_bad_input_too_many_and_a_leaver_are_refused(alice, monkeypatch):
    client = factories.signed_in(alice)
    for name in (" ", "x" * 61):
        assert client.post("/calendar/views/", {"name": name}).status_code == 422
    monkeypatch.setattr(keeping, "MOST", 0)
    with pytest.raises(ValidationError, match="Remove one"):
        keeping.save_view(alice, "One more", "list", Filters())
    factories.departed(alice)
    with pytest.raises(PermissionDenied):
        keeping.save_view(alice, "Mine", "list", Filters())
