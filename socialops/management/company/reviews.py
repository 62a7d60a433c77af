"""Access reviews at Fernhill: one that its line manager is half way through, and one that is signed off."""

from datetime import datetime, timedelta
from random import Random

from django.utils import timezone

from accounts.models import Person
from channels_registry.models import Channel
from governance import attesting, deciding, populating, remedying, reviewing
from governance.models import AccessReview, ReviewItem

WHY = ["Writes for it each week", "Covers the evenings", "Backs up the owner", "Plans its campaigns"]
WHY_NOT = ["Works for another region since May", "Left the agency team in spring", "Nobody remembers what for"]
STATEMENT = (
    "I have read the reasons and the figures of this review, and confirm that whoever keeps access to the careers "
    "channel needs it for the work they do today."
)
DAYS_AGO = 6


def hold(people: dict[str, Person], careers: Channel) -> None:
    """The doors of France by line manager, half decided; the careers channel by its owner, attested."""
    random, now, gina = Random(7), timezone.now(), people["gina"]  # noqa: S311
    _sign_off(people, careers, now, random)
    due, france = now + timedelta(days=8), {"regions": ["France"]}
    running = _open(people, "France, autumn 2026", due, scope=france, rule="manager")
    AccessReview.objects.filter(pk=running.pk).update(opened_at=now - timedelta(days=DAYS_AGO))
    mine = list(running.items.filter(reviewer=gina).select_related("review").order_by("pk"))
    for number, item in enumerate(mine[: len(mine) // 2]):
        verdict = "revoked" if number % 9 == 4 else "certified"
        at = now - timedelta(days=DAYS_AGO * (1 - number * 2 / len(mine)), minutes=random.randint(0, 90))
        _decide(item, gina, verdict, random, at)
        if number == len(mine) // 3:
            deciding.hand_in(running, gina)
    remedying.revoke_due()


def _sign_off(people: dict[str, Person], careers: Channel, now: datetime, random: Random) -> None:
    review = _open(people, "Careers channel", now + timedelta(days=14), scope={"channels": [careers.pk]})
    for item in review.items.select_related("review", "reviewer").order_by("pk"):
        if item.reviewer:
            shut = item.person == people["hana"]
            _decide(item, item.reviewer, "revoked" if shut else "certified", random, now)
    for reviewer in Person.objects.filter(pk__in=review.items.values("decided_by")):
        deciding.hand_in(review, reviewer)
    remedying.revoke_due()
    sample = attesting.draw_sample(review, people["erin"], people["hana"], 4, seed="fernhill")
    first = sample.items.order_by("pk").first()
    if first:
        attesting.recheck(first, people["hana"], first.item.state)
    attesting.attest(review, people["erin"], STATEMENT)


def _open(people: dict[str, Person], name: str, due: datetime, **more) -> AccessReview:
    review = reviewing.open_review(people["erin"], name, due, **more)
    populating.prepare(review)
    return AccessReview.objects.get(pk=review.pk)


def _decide(item: ReviewItem, by: Person, verdict: str, random: Random, at: datetime) -> None:
    """As somebody does it who reads for a while first."""
    deciding.show(item, by)
    seconds = random.randint(6, 70)
    ReviewItem.objects.filter(pk=item.pk).update(shown_at=timezone.now() - timedelta(seconds=seconds))
    deciding.decide(item, by, verdict, random.choice(WHY if verdict == "certified" else WHY_NOT))
    ReviewItem.objects.filter(pk=item.pk).update(decided_at=at, shown_at=at - timedelta(seconds=seconds))
