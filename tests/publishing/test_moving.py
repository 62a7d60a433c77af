"""Moving a post in the calendar: by the verb, by what a page posts, by keyboard, by mouse, and back again."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from publishing import moving
from tests import factories
from tests.publishing.steps import agree, plan, sign_in, staffed, tomorrow, trail, write


def test_a_move_keeps_the_zone_that_it_was_planned_in(publication, dana):
    to = tomorrow(15, days=3)
    moved = moving.move(publication, to, "Europe/Paris", dana)
    assert moved.due_at == to.replace(tzinfo=ZoneInfo("Europe/Paris"))
    assert (moved.time_zone, moved.wall_time) == ("UTC", moved.due_at.astimezone(UTC))
    assert trail(publication)[-1] == "publication.rescheduled"


def test_charlie_moves_nothing(publication, charlie):
    with pytest.raises(PermissionDenied):
        moving.move(publication, tomorrow(15), "UTC", charlie)


def test_what_somebody_else_moved_meanwhile_stays_where_they_put_it(publication, dana):
    seen = publication.due_at
    moving.move(publication, tomorrow(11, days=4), "UTC", dana, seen=seen)
    with pytest.raises(ValidationError, match=r"Dana gave it .* 11:00 meanwhile"):
        moving.move(publication, tomorrow(12, days=5), "UTC", dana, seen=seen)
    publication.refresh_from_db()
    assert publication.due_at.hour == 11


def test_a_time_that_the_movers_clock_skips_is_told(publication, dana):
    to = datetime(2027, 3, 28, 2, 30)  # Paris
    moved = moving.move(publication, to, "Europe/Paris", dana)
    assert moved.due_at == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert "has no 02:30" in moving.told(moved, to, "Europe/Paris")
    to = datetime(2027, 10, 31, 2, 30)
    moved = moving.move(publication, to, "Europe/Paris", dana, fold=1)
    assert "the second one" in moving.told(moved, to, "Europe/Paris")
    assert moved.due_at == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)


def drop(client, publication, at: datetime, **more):
    data = {"to": f"{at:%Y-%m-%dT%H:%M}", "zone": "UTC", "seen": publication.due_at.isoformat(), **more}
    came_from = "http://testserver/calendar/?view=week"
    return client.post(f"/publications/{publication.pk}/move/", data, follow=True, headers={"referer": came_from})


def test_a_drop_goes_back_to_the_calendar_and_offers_undo(publication, dana):
    client, before = factories.signed_in(dana), publication.due_at
    answer = drop(client, publication, tomorrow(10, days=3))
    assert answer.redirect_chain[0][0].endswith("/calendar/?view=week")
    (message,) = answer.context["messages"]
    assert f"Moved to {tomorrow(10, days=3):%A}" in str(message)
    client.post(message.extra_tags.removeprefix("undo:"))
    publication.refresh_from_db()
    assert publication.due_at == before


def test_a_drop_on_the_past_is_refused_in_words(publication, dana):
    answer = drop(factories.signed_in(dana), publication, tomorrow(9, days=-3))
    assert "Not moved. This time has passed." in answer.content.decode()


@pytest.mark.parametrize("bent", [{"zone": "Mars/Base"}, {"to": "soon"}, {"seen": "then"}, {"fold": "7"}])
def test_a_bent_drop_moves_nothing(publication, dana, bent):
    before = publication.due_at
    drop(factories.signed_in(dana), publication, tomorrow(9, days=3), **bent)
    publication.refresh_from_db()
    assert publication.due_at == before


@pytest.fixture
def shown(fresh_database, web, browser_context, page):
    """dana before the week of her post, which is due on its Wednesday at nine."""
    acme = staffed(factories.channel("sandbox", name="Acme"))
    alice, bob, dana = (factories.person(name) for name in ("alice", "bob", "dana"))
    day = tomorrow(9, days=7)
    wednesday = day + timedelta(days=2 - day.weekday() + 7)
    made = plan(agree(write(alice, [acme]), alice, bob), dana, wednesday)
    sign_in(browser_context, web, dana)
    page.goto(f"/calendar/?view=week&from={wednesday:%Y-%m-%d}")
    return made


def test_by_keyboard_a_post_moves_a_day_and_two_hours(shown, page):
    before = shown.due_at
    page.locator(f'[data-pk="{shown.pk}"]').focus()
    page.keyboard.press("m")
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    assert "11:00" in page.locator("#calendar-said").inner_text()
    page.keyboard.press("Enter")
    page.get_by_text("Moved to Thursday").wait_for()
    shown.refresh_from_db()
    assert shown.due_at == before + timedelta(days=1, hours=2)
    assert page.evaluate("document.activeElement.dataset.pk") == str(shown.pk)
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Moved to Wednesday").wait_for()
    shown.refresh_from_db()
    assert shown.due_at == before


def test_escape_gives_up(shown, page):
    before = shown.due_at
    page.locator(f'[data-pk="{shown.pk}"]').focus()
    for key in ("m", "ArrowRight", "Escape"):
        page.keyboard.press(key)
    assert "stays where it was" in page.locator("#calendar-said").inner_text()
    page.keyboard.press("ArrowLeft")  # walks now, carries nothing
    shown.refresh_from_db()
    assert shown.due_at == before


def test_by_mouse_a_post_moves_to_another_day_at_its_hour(shown, page):
    before = shown.due_at
    friday = before + timedelta(days=2)
    page.locator(f'[data-pk="{shown.pk}"]').drag_to(page.locator(f'[data-day="{friday:%Y-%m-%d}"]'))
    page.get_by_text("Moved to Friday").wait_for()
    shown.refresh_from_db()
    assert shown.due_at == friday
    assert page.locator(f'[data-day="{friday:%Y-%m-%d}"] [data-pk="{shown.pk}"]').is_visible()


def test_in_a_day_a_drop_changes_the_hour(shown, page):
    page.goto(f"/calendar/?view=day&from={shown.due_at:%Y-%m-%d}")
    page.locator(f'[data-pk="{shown.pk}"]').drag_to(page.locator('[data-hour="13"]'))
    page.get_by_text("13:00.").wait_for()
    shown.refresh_from_db()
    assert shown.due_at.hour == 13


def test_arrows_walk_from_day_to_day(shown, page):
    page.locator(f'[data-pk="{shown.pk}"]').focus()
    page.keyboard.press("ArrowRight")
    thursday = shown.due_at + timedelta(days=1)
    assert page.evaluate("document.activeElement.closest('[data-day]').dataset.day") == f"{thursday:%Y-%m-%d}"
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.dataset.pk") == str(shown.pk)
