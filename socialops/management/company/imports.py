"""A file of posts that Alice has brought, with a few rows to mend."""

from datetime import timedelta

from django.core.files.base import ContentFile

from accounts.models import Person
from channels_registry.permissions import channels_with
from publishing import importing
from publishing.queries import now
from publishing.queries.columns import spellings
from socialops.lib.export import csv_bytes

COLUMNS = ("Key", "Channels", "Text", "Title", "Date", "Time", "Campaign", "Tags")
# fmt: off
ROWS = (  # days from now on; the rest as in COLUMNS
    (9, "care-1", "{own}", "Wax them once a month, and they outlive you.", "Week 1", "09:00", "Winter boots", "how-to"),
    (16, "care-2", "{own}", "Salt eats seams. Rinse, dry, then brush.", "Week 2", "09:00", "Winter boots", "how-to"),
    (23, "care-3", "{own}", "A radiator is no place for leather.", "Week 3", "9 o’clock", "Winter boots", "how-to"),
    (30, "care-4", "@shop", "New soles while you wait, on Thursdays.", "Week 4", "09:00", "Winter boots", "repair"),
    (37, "care-5", "{own}", "The last week of half prices on laces.", "Week 5", "09:00", "Winter sale", "offer"),
    (44, "care-6", "{own}", "Bring the pair you gave up on.", "Week 6", "09:00", "Repair, don’t replace", "repair"),
)
# fmt: on


def bring(people: dict[str, Person]) -> None:
    channel = channels_with(people["alice"], "draft").order_by("name").first()
    if channel is None:
        return
    today, own = now().date(), spellings(channel)[0]
    rows = [
        (key, where.format(own=own), text, title, today + timedelta(days=days), hour, campaign, tags)
        for days, key, where, text, title, hour, campaign, tags in ROWS
    ]
    file = ContentFile(csv_bytes(COLUMNS, rows), "boot-care.csv")
    made = importing.read(people["alice"], file, "boot-care.csv")
    importing.check(made, people["alice"], made.mapping, "Europe/Paris")
    importing.work_due()
