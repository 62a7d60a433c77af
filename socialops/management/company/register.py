"""What is on its way in Fernhill's register: proposed channels, a lost one, two accounts that imitate it."""

from datetime import timedelta

from django.core.files.base import ContentFile
from django.utils import timezone

from accounts.models import Person
from channels_registry import impersonating, importing, proposing, rating, retiring
from channels_registry.models import Channel
from channels_registry.queries.risk import score_of
from socialops.lib.export import csv_bytes


def keep(people: dict[str, Person], channels: list[Channel]) -> None:
    """Through the verbs, as people would have done it."""
    alice, gina, erin = people["alice"], people["gina"], people["erin"]
    proposing.propose(
        alice, "mastodon", "@fernhill-repairs@social.fernhill.example", "Fernhill Repairs", gina,
        "People ask us every day how to mend their jackets; the answers are worth more than one reader.",
        "Owners of our jackets, menders, repair cafés", backup_owner=alice, brand="Fernhill", region="Europe",
        legal_entity="Fernhill International BV", kind="care",
    )  # fmt: skip
    agreed = proposing.propose(
        people["dana"], "sandbox", "fernhill-trails", "Fernhill Trails", alice,
        "Walks from our shops, by those who work there.",
        "Weekend walkers near our shops", backup_owner=gina, brand="Fernhill Outdoor", region="Europe",
        legal_entity="Fernhill SAS", closing_procedure="1. Say goodbye on the channel. 2. Shut every door.",
    )  # fmt: skip
    proposing.approve(agreed, gina, "For a year first.")
    proposing.answer(agreed, alice, "mfa", "Two keys: Alice has one, the other is in the safe in Lyon.")
    lost = channels[7]
    retiring.lose(lost, erin, "Its mail address went with the agency that opened it. The network has our papers.")
    _report(people, channels)
    _bring(people)
    up = next(each for each in channels if score_of(each).tier == "low")
    until = (timezone.now() + timedelta(days=60)).date()
    rating.override(up, "medium", erin, "A strike is announced at the site it speaks for.", until)


def _report(people: dict[str, Person], channels: list[Channel]) -> None:
    alice, gina = people["alice"], people["gina"]
    fake = impersonating.report(
        alice, "tiktok", "@fernhi11_official", "It promises vouchers for 500 euros and asks for card numbers.",
        url="https://tiktok.example/@fernhi11_official", imitates=channels[0],
    )  # fmt: skip
    impersonating.decide(fake, "impostor", gina, "We give no vouchers, and the address it links to is not ours.")
    impersonating.step(fake, "network", gina, "Reported as an impostor of a brand.", "TT-2026-88214")
    impersonating.report(
        people["dana"], "telegram", "fernhill-kids-deals", "Our logo, and offers of a reseller.", imitates=channels[3],
    )  # fmt: skip


def _bring(people: dict[str, Person]) -> None:
    """A file of Erin's with a row to mend."""
    rows = [
        ("Sandbox", "@fernhill-oslo", "Fernhill Oslo", people["gina"].email, people["alice"].email, "Norway"),
        ("Instagrim", "@fernhill-bergen", "Fernhill Bergen", people["gina"].email, "", "Norway"),
        ("Sandbox", "fernhіll-tromso", "Fernhill Tromsø", "gina@exämple.test", "", "Norway"),
    ]
    columns = ("Network", "Handle", "Name", "Owner", "Authors", "Region")
    file = ContentFile(csv_bytes(columns, rows), "norway.csv")
    made = importing.read(people["erin"], file, "norway.csv")
    importing.check(made, people["erin"], made.mapping)
    importing.work_due()
