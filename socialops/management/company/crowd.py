"""A company of any size, for looking at access: thousands of people and channels, made in bulk and always the same.

People and channels belong to a desk, a brand in a region; who works on a desk reaches its channels, and some of the
region's others. Numbers of people and channels count from 0.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator

from accounts.models import Absence, Departure, Person, Team, TeamMembership, User
from channels_registry import networks
from channels_registry.models import Channel, Connection
from socialops.management.company.channels import BRANDS, CLOSING, ENTITIES, KINDS, PURPOSES, REGIONS
from socialops.management.company.people import FIRST, LAST, TITLES, ZONES

DESKS = len(BRANDS) * len(REGIONS)
BATCH = 5_000
SECOND_FACTORS, AWAY, LEFT = 0.7, 0.06, 0.02  # shares of the people
NOTHING_OPENS = "!"  # for a password


def desk(number: int) -> tuple[int, int]:
    """(brand, region) of a desk: those of one region are len(REGIONS) apart."""
    return number % DESKS // len(REGIONS), number % len(REGIONS)


def hire_many(random: Random, count: int, boss: Person, domain: str) -> list[Person]:
    """So many people with a login that opens nothing, in the team of their desk."""
    people = [_person(random, number, boss, domain) for number in range(count)]
    Person.objects.bulk_create(people, BATCH)
    names = [f"{BRANDS[brand]} {REGIONS[region][0]}" for brand, region in map(desk, range(DESKS))]
    Team.objects.bulk_create([Team(name=name) for name in names], ignore_conflicts=True)
    teams = {team.name: team for team in Team.objects.filter(name__in=names)}
    TeamMembership.objects.bulk_create(
        [TeamMembership(team=teams[names[number % DESKS]], person=person) for number, person in enumerate(people)],
        BATCH,
    )
    _log_in(random, people)
    return people


def open_many(random: Random, count: int, people: Sequence[Person], now: datetime) -> list[Channel]:
    """So many channels. One in eight has no backup owner."""
    slugs = networks.slugs()
    channels = []
    for number in range(count):
        brand, region = desk(number // len(slugs))
        purpose = PURPOSES[number // (len(slugs) * DESKS) % len(PURPOSES)]
        name = f"{BRANDS[brand]} {REGIONS[region][0]}"
        desks = range(number // len(slugs) % DESKS, len(people), DESKS)
        owner, backup = (people[random.choice(desks)] for _ in range(2))
        channels.append(
            Channel(
                network=slugs[number % len(slugs)], handle=f"@{name.lower().replace(' ', '-')}-{people[0].pk}-{number}",
                name=f"{name} {purpose.lower()}" if number >= len(slugs) * DESKS else name, brand=BRANDS[brand],
                region=REGIONS[region][0], language=REGIONS[region][1], purpose=purpose, owner=owner,
                backup_owner=None if backup == owner or random.random() < 0.12 else backup,
                audience_size=int(random.lognormvariate(8.5, 1.4)), kind=KINDS[purpose], closing_procedure=CLOSING,
                legal_entity=ENTITIES.get(REGIONS[region][0], "Fernhill International BV"),
                risk_tier=random.choices(["high", "medium", "low"], [1, 3, 4])[0],
            )
        )  # fmt: skip
    Channel.objects.bulk_create(channels, BATCH)
    Channel.objects.filter(pk__in=[each.pk for each in channels]).update(created_at=now - timedelta(days=900))
    _connect(random, channels, now)
    return channels


def part(random: Random, people: Sequence[Person], boss: Person, now: datetime) -> list[Person]:
    """Some are away in the next weeks, and some have left. Returns those."""
    Absence.objects.bulk_create(
        Absence(person=person, starts_at=(first := now + timedelta(days=random.randint(-3, 60))),
                ends_at=first + timedelta(days=random.randint(3, 21)))
        for person in random.sample(people, int(len(people) * AWAY))
    )  # fmt: skip
    left = random.sample(people, int(len(people) * LEFT))
    Departure.objects.bulk_create(
        Departure(person=person, at=(at := now - timedelta(days=random.randint(1, 300))), wall_time=at,
                  recorded_by=boss, reason="Last day", swept_at=at)
        for person in left
    )  # fmt: skip
    return left


def _person(random: Random, number: int, boss: Person, domain: str) -> Person:
    first, last = random.choice(FIRST), random.choice(LAST)
    email = f"{first}.{last}.{number}@{domain}".lower()
    zone = random.choice(ZONES)
    return Person(name=f"{first} {last}", email=email, title=random.choice(TITLES), time_zone=zone, manager=boss)


def _log_in(random: Random, people: Sequence[Person]) -> None:
    users = [User(email=person.email, person=person, password=NOTHING_OPENS) for person in people]
    User.objects.bulk_create(users, BATCH)
    EmailAddress.objects.bulk_create(
        [EmailAddress(user=user, email=user.email, verified=True, primary=True) for user in users], BATCH
    )
    secured = random.sample(users, int(len(users) * SECOND_FACTORS))
    Authenticator.objects.bulk_create([Authenticator(user=user, type="totp", data={"secret": ""}) for user in secured])


def _connect(random: Random, channels: Sequence[Channel], now: datetime) -> None:
    """Most channels are connected, as far as a page can tell. No worker looks at these connections: nothing is due."""
    made = [
        Connection(
            channel=channel, sealed_secrets=b"", key_id="seed", remote_id=channel.handle, handle=channel.handle,
            authorised_by=channel.owner, proven_at=now - timedelta(hours=2), checked_at=now - timedelta(hours=2),
            expires_at=now + timedelta(days=random.randint(2, 300)) if random.random() < 0.4 else None,
            next_check_at=now + timedelta(days=900), next_renewal_at=now + timedelta(days=900),
        )
        for channel in channels
        if random.random() < 0.9
    ]  # fmt: skip
    Connection.objects.bulk_create(made, BATCH)
    Connection.objects.filter(pk__in=[each.pk for each in made]).update(state="live")
