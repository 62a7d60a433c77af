"""manage.py seed_access: a company of any size in which everybody reaches something, to see whether the pages keep up.

Rows are written in bulk and, unlike whatever a person does, not recorded one by one in the trail.
"""

from random import Random
from time import monotonic

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from channels_registry.models import AccessGrant
from socialops.management.company import crowd, ledger, people

SEED = 2026
CAST = len(people.CAST)


class Command(BaseCommand):
    help = "Fill a database with people, channels and doors, with their history: 3,000 channels and 400,000 doors."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--channels", type=int, default=300)
        parser.add_argument("--people", type=int, default=1000)
        parser.add_argument("--doors", type=int, default=12_000)
        parser.add_argument("--beside", action="store_true", help="beside the company that is there already")

    def handle(self, *, channels: int, people: int, doors: int, beside: bool, **_) -> None:
        if Person.objects.exists() and not beside:
            raise CommandError("There is a company in this database already. Add --beside to put another beside it.")
        if people <= CAST or channels < 1 or doors < 1:
            raise CommandError(f"Ask for at least {CAST + 1} people, one channel and one door.")
        begun = monotonic()
        try:
            with transaction.atomic():
                _fill(channels, people, doors)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        ledger.analyse()
        standing = AccessGrant.objects.standing().count()
        self.stdout.write(
            f"{channels} channels, {people} people, {standing} doors open, {AccessGrant.objects.count() - standing}"
            f" that were once, in {monotonic() - begun:.0f} s. None of it is in the audit trail one by one."
        )


def _fill(channels: int, count: int, doors: int) -> None:
    random, now = Random(SEED), timezone.now()  # noqa: S311 (a believable company, not a secret)
    there = Person.objects.count()
    boss = Person.objects.order_by("pk")[0] if there else people.hire(random, CAST)["erin"]
    crew = crowd.hire_many(random, count if there else count - CAST, boss, f"crowd{there or ''}.example.test")
    opened = crowd.open_many(random, channels, crew, now)
    ledger.open_doors(opened, crew, boss, int(doors * (1 + 2 * crowd.LEFT)), now)  # those who left lose theirs
    ledger.see_off(crowd.part(random, crew, boss, now), now)
    ledger.enforce()
