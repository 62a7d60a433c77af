"""Tokens for a person's own tools. A token is the person, for what it is good for, and only while they may sign in.

The secret is shown once. It begins with PREFIX, so that one that leaked is known wherever it is found.
"""

import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.db.models.functions import Now
from django.urls import reverse

from accounts import audit, notifying
from accounts.backends import may_use_tokens
from accounts.models import ApiToken, Person, Role, Scope
from accounts.models.api_token import binding
from accounts.permissions import has_role
from socialops.lib.tokens import digest

PREFIX = "socialops_"
MOST_DAYS = 365
MOST_TOKENS = 50  # of one person that are not ended
A_MINUTE = 120  # uses of one token

audit.register("token.made", "made an API token")
audit.register("token.ended", "ended an API token")


@transaction.atomic
def issue(by: Person, name: str, scopes: Iterable[str], days: int) -> tuple[ApiToken, str]:
    """A token of one's own, and its secret, which is nowhere else."""
    user = may_use_tokens().select_for_update(of=("self",)).filter(person=by).first()
    if user is None:
        raise PermissionDenied("Only who may sign in, with a second factor where one is asked for, may make a token.")
    scopes = list(dict.fromkeys(scopes))
    _check(by, name, scopes, days)
    secret = PREFIX + secrets.token_hex(32)
    token = ApiToken.objects.create(
        person=by, name=name.strip(), scopes=scopes, hash=digest(secret), hint=secret[-4:], bound_to=binding(user),
        expires_at=Now() + timedelta(days=days),
    )  # fmt: skip
    token.refresh_from_db(fields=["made_at", "expires_at"])
    audit.record(by, "token.made", token, scopes=scopes, until=token.expires_at.isoformat())
    return token, secret


@transaction.atomic
def end(token: ApiToken, by: Person) -> None:
    """By its person, or an administrator. A token that is ended already stays as it is."""
    if token.person_id != by.pk and not has_role(by, Role.ADMIN):
        raise PermissionDenied("Only its person, or an administrator, ends a token.")
    if not ApiToken.objects.filter(pk=token.pk, ended_at=None).update(ended_at=Now(), ended_by=by):
        return
    audit.record(by, "token.ended", token, person=token.person_id)
    if token.person_id != by.pk:
        words = f"{by} ended your API token “{token.name}”."
        notifying.notify(token.person, "token.ended", words, reverse("token_list"), mail=True)


def opened(secret: str) -> ApiToken | None:
    """The token, with its `user`, if it is good at this moment. Two queries."""
    token = ApiToken.objects.filter(hash=digest(secret), ended_at=None, expires_at__gt=Now()).first()
    if token is None:
        return None
    user = may_use_tokens().filter(person=token.person_id).first()
    if user is None or token.bound_to != binding(user):
        return None
    token.user, token.person = user, user.person
    return token


def too_soon(token: ApiToken) -> int:
    """Notes a use. Returns the seconds to wait if there were too many in this minute, else 0."""
    with connection.cursor() as cursor:
        cursor.execute(_USE, [token.pk])
        uses, left = cursor.fetchone()
    return max(1, int(left)) if uses > A_MINUTE else 0


def _check(by: Person, name: str, scopes: list[str], days: int) -> None:
    if not 0 < len(name.strip()) <= 80:
        raise ValidationError({"name": "Give it a name of up to 80 characters, such as what uses it."})
    if not scopes or set(scopes) - set(Scope.values):
        raise ValidationError({"scopes": "Choose at least one thing that it is good for."})
    if not 1 <= days <= MOST_DAYS:
        raise ValidationError({"days": "A token is good for at most a year."})
    if ApiToken.objects.filter(person=by, ended_at=None, expires_at__gt=Now()).count() >= MOST_TOKENS:
        raise ValidationError(f"You have {MOST_TOKENS} tokens. End those that nothing uses any more.")


_USE = f"""
UPDATE {ApiToken._meta.db_table} SET
    last_used_at = statement_timestamp(),
    uses = CASE WHEN minute = date_trunc('minute', statement_timestamp()) THEN uses + 1 ELSE 1 END,
    minute = date_trunc('minute', statement_timestamp())
WHERE id = %s RETURNING uses, 60 - extract(second FROM statement_timestamp())
"""  # noqa: S608 (a table's name)
