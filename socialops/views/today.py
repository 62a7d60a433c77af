"""The home page: what waits for this person, what goes out, what is broken. Composed from the apps' queries."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from governance import queries as governance_queries
from publishing import queries as publishing_queries
from socialops.lib.tags import span_words
from socialops.lib.waiting import Waiting

NUMBERS = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve"]
SHOWN = 20
TROUBLE_SHOWN = 5


def today(request: HttpRequest) -> HttpResponse:
    person = request.user.person
    waiting = sorted(_waiting(person), key=_clock_first)
    trouble = [each for each in publishing_queries.trouble(person) if each not in waiting]
    context = {
        "greeting": f"{_part_of_day()}, {person.name.split()[0]}. {_how_many(waiting)}",
        "first": _first_clock(waiting),
        "waiting": waiting[:SHOWN],
        "more_waiting": max(0, len(waiting) - SHOWN),
        "going_out": publishing_queries.going_out(person),
        "trouble": trouble[:TROUBLE_SHOWN],
        "more_trouble": max(0, len(trouble) - TROUBLE_SHOWN),
        "now": timezone.localtime(),
        "zone": timezone.get_current_timezone_name().rpartition("/")[2].replace("_", " "),
    }
    return render(request, "today.html", context)


def _waiting(person) -> list[Waiting]:
    return [*publishing_queries.waiting_for(person), *governance_queries.waiting_for(person)]


def _clock_first(each: Waiting) -> tuple[bool, datetime | str, str]:
    return (each.due_at is None, each.due_at or "", each.title)


def _how_many(waiting: list[Waiting]) -> str:
    count = len(waiting)
    if count == 0:
        return "Nothing waits for you."
    words = NUMBERS[count] if count < len(NUMBERS) else str(count)
    return f"{words} thing waits for you." if count == 1 else f"{words} things wait for you."


def _first_clock(waiting: list[Waiting]) -> str:
    """When the first clock runs out, in words; nothing when there is none."""
    due = next((each.due_at for each in waiting if each.due_at), None)
    if due is None:
        return ""
    left = (due - timezone.now()).total_seconds()
    return f"The first runs out in {span_words(left)}." if left > 0 else f"The first ran out {span_words(-left)} ago."


def _part_of_day() -> str:
    hour = timezone.localtime().hour
    return "Good morning" if 4 <= hour < 12 else "Good afternoon" if 12 <= hour < 18 else "Good evening"
