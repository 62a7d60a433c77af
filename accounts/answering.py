"""Doing what a tool asks for once, however often it asks: a tool that got no answer asks again under the same key."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts.models import ApiAnswer, ApiToken

REMEMBERED = timedelta(hours=24)


@dataclass(frozen=True)
class Answer:
    """`again`: it was done earlier, and nothing was done now."""

    status: int
    body: str
    again: bool = False


class Reused(Exception):
    """The key was used for another request."""


@transaction.atomic
def once(token: ApiToken, key: str, asked: str, act: Callable[[], Answer]) -> Answer:
    """Act, or give the answer that was given to this key of this token before. `asked` is a digest of the request.

    The key is written in the transaction of what is done: two that come at once wait for one another, and one that
    was refused leaves nothing behind. Without a key it is simply done.
    """
    if not key:
        return act()
    ApiAnswer.objects.filter(token=token, key=key, made_at__lt=Now() - REMEMBERED).delete()
    try:
        with transaction.atomic():
            row = ApiAnswer.objects.create(token=token, key=key, asked=asked)
    except IntegrityError:
        return _before(ApiAnswer.objects.get(token=token, key=key), asked)
    answer = act()
    ApiAnswer.objects.filter(pk=row.pk).update(status=answer.status, body=answer.body)
    return answer


def forget() -> int:
    """What is older than it is remembered for."""
    return ApiAnswer.objects.filter(made_at__lt=Now() - REMEMBERED).delete()[0]


def _before(row: ApiAnswer, asked: str) -> Answer:
    if row.asked != asked:
        raise Reused
    return Answer(row.status, row.body, again=True)
