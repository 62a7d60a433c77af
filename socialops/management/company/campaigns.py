"""What Fernhill's posts are for."""

from datetime import datetime, timedelta
from random import Random

from accounts.models import Person
from publishing import campaigning
from publishing.models import Campaign

RULE = {"utm_source": "{network}", "utm_medium": "social", "utm_campaign": "{campaign}", "utm_content": "{channel}"}
CAMPAIGNS = [  # name, goal, audience, days from now on which it starts and ends, budget code, owner
    (
        "Repair, don’t replace",
        "Ten thousand things mended instead of bought by the end of winter.",
        "Owners of something of ours that is older than five years",
        (-20, 70),
        "FH-26-114",
        "alice",
    ),
    ("Winter boots", "Sell the half sizes before they are needed.", "Walkers", (-12, 40), "FH-26-120", "dana"),
    ("Spring fair", "Four hundred visitors in Lyon.", "Lyon and 50 km around it", (90, 120), "", "gina"),
]
TAGS = ["repair", "boots", "how-to", "people", "offer", "france", "night desk", "evergreen"]


def start(people: dict[str, Person], now: datetime) -> list[Campaign]:
    today = now.date()
    return [
        campaigning.create(
            people["gina"], name, owner=people[owner], goal=goal, audience=audience, budget_code=code, link_rule=RULE,
            starts_on=today + timedelta(days=begins), ends_on=today + timedelta(days=ends),
        )
        for name, goal, audience, (begins, ends), code, owner in CAMPAIGNS
    ]  # fmt: skip


def some(random: Random, campaigns: list[Campaign]) -> dict:
    """What a post of the past belongs to: every third to a campaign, most to a tag or two."""
    chosen = random.choice(campaigns[:2]) if random.random() < 0.3 else None
    return {"campaign": chosen, "tags": sorted(random.sample(TAGS, random.choice((0, 1, 1, 2))))}
