"""manage.py demo: fill an empty database with Fernhill, a believable company. Does nothing the second time."""

from random import Random

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts.models import Person
from socialops.management.company import campaigns, channels, imports, live, messages, people, posts, register

SEED = 2026


class Command(BaseCommand):
    help = "Fill an empty database with a believable company: people, channels, a month of posts and messages."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--channels", type=int, default=300 - len(live.FLAGSHIPS))
        parser.add_argument("--posts", type=int, default=2500)
        parser.add_argument("--messages", type=int, default=10_000)
        parser.add_argument("--sandbox", help="the sandbox network's address; without it nothing is connected")

    def handle(self, **options) -> None:
        if Person.objects.exists():
            self.stdout.write("There are people in this database already; nothing was added.")
            return
        with transaction.atomic():
            staff = self._fill(options)
            if options["sandbox"]:
                live.begin(staff, options["sandbox"])
        self.stdout.write(f"Fernhill is here. Everybody's password is {people.PASSWORD}:")
        for login in people.CAST:
            self.stdout.write(f"  {people.email_of(login.key):22} {login.name:16} {login.does}")

    def _fill(self, options) -> dict[str, Person]:
        random, now = Random(SEED), timezone.now()  # noqa: S311 (a believable company, not a secret)
        staff = people.hire(random)
        opened = channels.open_channels(random, staff, now, options["channels"])
        begun = campaigns.start(staff, now)
        posts.write(random, staff, opened, now, begun, options["posts"])
        messages.receive(random, opened, now, options["messages"])
        imports.bring(staff)
        if len(opened) > 7:
            register.keep(staff, opened)
        return staff
