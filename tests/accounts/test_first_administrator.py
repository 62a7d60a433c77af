"""manage.py first_administrator: the door that an operator opens once."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts import inviting
from accounts.models import AuditEvent, Invitation, Person, Role
from accounts.permissions import has_role
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def let_in(email: str) -> str:
    """The token in the link that was printed."""
    said = StringIO()
    call_command("first_administrator", "Erin", email, stdout=said)
    return said.getvalue().split()[-1].rstrip("/").rsplit("/", 1)[-1]


def test_the_printed_link_makes_the_first_administrator():
    user = inviting.accept(let_in("erin@example.test"), PASSWORD)
    assert has_role(user.person, Role.ADMIN)
    assert list(AuditEvent.objects.order_by("pk").values_list("action", flat=True)) == [
        "person.added", "role.given", "person.invited", "invitation.accepted",
    ]  # fmt: skip


def test_a_lost_link_is_replaced_and_makes_nobody_else():
    lost = let_in("erin@example.test")
    inviting.opened(let_in("Erin@example.test"))
    assert Person.objects.count() == 1
    with pytest.raises(Exception, match="not good any more"):
        inviting.opened(lost)


def test_as_soon_as_there_is_one_the_command_lets_nobody_in():
    inviting.accept(let_in("erin@example.test"), PASSWORD)
    for email in ("erin@example.test", "mallory@example.test"):
        with pytest.raises(CommandError, match="There is an administrator already"):
            let_in(email)
    assert Invitation.objects.count() == 1
