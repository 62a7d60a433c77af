"""manage.py first_administrator: the one person whom nobody invites. Everybody else is invited through the pages."""

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import inviting, people
from accounts.models import Person, Role


class Command(BaseCommand):
    help = "Make the first administrator and print their invitation. Again for the same address: another invitation."

    def add_arguments(self, parser):
        parser.add_argument("name")
        parser.add_argument("email")

    def handle(self, *args, name: str, email: str, **options):
        try:
            with transaction.atomic():
                person = _without_login(email) or people.add_first_administrator(name, email)
                invitation = inviting.invite(person, by=None)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{person.name} opens this and chooses a password; it is good once, for seven days:")
        self.stdout.write(inviting.link(invitation))


def _without_login(email: str) -> Person | None:
    """The administrator who has not accepted yet: a link that was lost or ran out does not lock a company out."""
    waiting = Person.objects.present().filter(roles__role=Role.ADMIN, roles__ended_at=None, user=None)
    return waiting.filter(email__iexact=email.strip()).first()
