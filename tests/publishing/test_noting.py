"""Notes on days of the calendar."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError
from django.utils import timezone

from publishing import noting
from publishing.models import Campaign, Note
from tests import factories
from tests.publishing.steps import page, trail

FAIR = date(2027, 5, 4)


@pytest.fixture
def fair(alice):
    """Over three days of May 2027."""
    return noting.add_note(alice, " Spring fair ", FAIR, FAIR + timedelta(days=2), colour="ok")


def _calendar(person, query: str) -> str:
    return page(factories.signed_in(person), f"/calendar/?{query}")


@pytest.mark.parametrize(("view", "times"), [("month", 3), ("week", 3), ("list", 3), ("day", 1)])
def test_it_stands_on_each_of_its_days_in_every_view_for_whoever_looks(fair, charlie, view, times):
    html = _calendar(charlie, f"view={view}&from=2027-05-04")
    assert html.count(f'<a class="note ok" href="/calendar/notes/{fair.pk}/">Spring fair') == times
    assert "Spring fair" not in _calendar(charlie, f"view={view}&from=2027-07-04")
    assert trail(fair) == ["note.added"]


def test_one_of_a_campaign_is_not_on_the_calendar_of_another(alice):
    winter, summer = (Campaign.objects.create(name=name, owner=alice) for name in ("Winter", "Summer"))
    noting.add_note(alice, "Boots arrive", FAIR, campaign=winter)
    noting.add_note(alice, "Bank holiday", FAIR)
    shown = {c: _calendar(alice, f"from=2027-05-04&campaign={c.pk}") for c in (winter, summer)}
    assert ["Boots arrive" in shown[c] for c in (winter, summer)] == [True, False]
    assert all("Bank holiday" in html for html in shown.values())


@pytest.mark.parametrize("name", ["charlie", "bob"])
def test_who_does_not_plan_reads_them_and_writes_none(fair, name):
    person = factories.person(name)
    client = factories.signed_in(person)
    assert "Spring fair" in page(client, f"/calendar/notes/{fair.pk}/")
    for path in ("/calendar/notes/", f"/calendar/notes/{fair.pk}/", f"/calendar/notes/{fair.pk}/removal/"):
        assert client.post(path, {"title": "Mine", "first": "2027-05-04"}).status_code == 403
    for verb in (
        lambda: noting.add_note(person, "Mine", FAIR),
        lambda: noting.change_note(fair, person, title="Mine"),
        lambda: noting.remove_note(fair, person),
    ):
        with pytest.raises(PermissionDenied):
            verb()
    assert Note.objects.get().title == "Spring fair"


def test_whoever_plans_changes_it_and_takes_it_off_on_its_page(fair, gina):
    client = factories.signed_in(gina)
    said = {"title": "Autumn fair", "first": "2027-09-01", "last": "", "colour": "wait"}
    assert client.post(f"/calendar/notes/{fair.pk}/", said).url == "/calendar/?view=month&from=2027-09-01"
    fair.refresh_from_db()
    assert (fair.title, fair.first, fair.last, fair.colour) == (
        "Autumn fair",
        date(2027, 9, 1),
        date(2027, 9, 1),
        "wait",
    )
    client.post(f"/calendar/notes/{fair.pk}/removal/")
    assert not Note.objects.exists()
    assert trail(fair) == ["note.added", "note.changed", "note.removed"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", " "), ("title", "x" * 81), ("first", "2027-02-30"), ("first", ""), ("first", "0999-01-01"),
        ("last", "2027-05-03"), ("last", "2029-05-03"), ("colour", "red"), ("campaign", "99999"),
    ],
)  # fmt: skip
def test_bad_input_is_said_beside_its_field(alice, field, value):
    said = {"title": "Fair", "first": "2027-05-04", "last": "2027-05-05"}
    if (field, value[:4]) == ("first", "0999"):
        said["last"] = ""
    answer = factories.signed_in(alice).post("/calendar/notes/", said | {field: value})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not Note.objects.exists()


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "Pacific/Kiritimati"])
def test_the_list_begins_with_the_day_that_it_is_where_its_reader_is(alice, zone):
    """At any hour one of the two zones has another date than UTC."""
    alice.time_zone = zone
    alice.save(update_fields=["time_zone"])
    today = timezone.now().astimezone(ZoneInfo(zone)).date()
    noting.add_note(alice, "Over", today - timedelta(days=1))
    noting.add_note(alice, "Now", today)
    shown = page(factories.signed_in(alice), "/calendar/notes/")
    assert "Now" in shown and "Over" not in shown


def test_the_database_knows_no_note_that_ends_before_it_begins(fair):
    with pytest.raises(IntegrityError):
        Note.objects.update(last=FAIR - timedelta(days=1))


def test_nothing_a_person_writes_is_markup(alice):
    with pytest.raises(ValidationError):
        noting.add_note(alice, "x" * 81, FAIR)
    noting.add_note(alice, "<b>Fair</b>", FAIR)
    assert "&lt;b&gt;Fair" in _calendar(alice, "from=2027-05-04")


def test_a_person_writes_so_many_a_day_and_a_day_shows_a_few(alice, gina, monkeypatch):
    monkeypatch.setattr(noting, "MOST_A_DAY", 6)
    for n in range(6):
        noting.add_note(alice, f"Note {n}", FAIR)
    with pytest.raises(ValidationError, match="go on tomorrow"):
        noting.add_note(alice, "One more", FAIR)
    assert Note.objects.count() == 6
    noting.add_note(gina, "Of somebody else", FAIR)
    html = _calendar(alice, "view=month&from=2027-05-04")
    assert "Note 3" in html and "Note 4" not in html and "3 more notes" in html
    Note.objects.update(added_at=timezone.now() - timedelta(days=1, minutes=1))
    noting.add_note(alice, "The next day", FAIR)
