"""The sixty people of Fernhill; eight of them sign in and are the demo's cast."""

from dataclasses import dataclass
from random import Random

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password

from accounts.models import Person, RoleAssignment, Team, TeamMembership, User
from accounts.models.person import Role

PASSWORD = "fernhill-demo"  # noqa: S105 (printed by the demo; the demo is for one machine)


@dataclass(frozen=True)
class Login:
    key: str
    name: str
    title: str
    team: str
    role: str = ""
    zone: str = "Europe/Paris"
    does: str = ""


CAST = [
    Login("alice", "Alice Ndiaye", "Editor, EMEA", "Social EMEA", does="writes posts, answers customers"),
    Login("bob", "Bob Okafor", "Head of communications", "Communications", zone="Europe/London", does="approves posts"),
    Login("charlie", "Charlie Weiss", "Store manager", "Retail", zone="Europe/Berlin", does="may do almost nothing"),
    Login("dana", "Dana Kowalski", "Community manager", "Social EMEA", zone="Europe/Warsaw", does="leaves on Friday"),
    Login(
        "erin",
        "Erin Doyle",
        "Social operations",
        "Operations",
        Role.ADMIN,
        "Europe/Dublin",
        "runs channels, access and departures",
    ),
    Login("frank", "Frank Moreau", "Internal audit", "Audit", Role.AUDITOR, does="reads everything, exports evidence"),
    Login(
        "gina",
        "Gina Rossi",
        "Social lead",
        "Communications",
        Role.SOCIAL_LEAD,
        "Europe/Rome",
        "holds everything in a crisis",
    ),
    Login("hana", "Hana Sato", "Legal counsel", "Legal", zone="Asia/Tokyo", does="approves for Legal"),
]
FIRST = (  # noqa: SIM905
    "Adam Amara Anna Bastian Bruno Carla Chen Clara Diego Elif Emil Farid Freya Goran Helene Igor Ines Ivo Jana Jonas "
    "Kaito Karin Lars Lea Lin Luca Maja Marek Marie Mateo Mila Nadia Nils Noor Olga Oskar Paula Pavel Priya Rafael "
    "Rosa Sami Sara Selma Stefan Tariq Theo Tilda Tomas Uma Vera Viktor"
).split()
LAST = (  # noqa: SIM905
    "Adeyemi Berg Brandt Costa Dubois Eriksen Ferrari Garcia Haas Ito Jansen Kaya Larsen Lopez Marsh Meyer "
    "Nowak Novak Oliveira Patel Quist Rahman Riva Santos Schmidt Silva Tanaka Ueda Vidal Weber Yilmaz Zhou"
).split()
TITLES = ["Community manager", "Editor", "Content designer", "Customer care", "Brand manager", "Agency partner"]
TEAMS = ["Social EMEA", "Social Americas", "Social APAC", "Customer care", "Brand", "Agency Lumen"]
ZONES = ["Europe/Paris", "Europe/Berlin", "America/New_York", "Asia/Singapore", "Europe/Madrid"]


def email_of(key: str) -> str:
    return f"{key}@example.test"


def hire(random: Random, count: int = 60) -> dict[str, Person]:
    """Everybody, by their key (the part of the address before the @)."""
    people = {
        login.key: Person(name=login.name, email=email_of(login.key), title=login.title, time_zone=login.zone)
        for login in CAST
    }
    for first in FIRST[: count - len(CAST)]:
        last = random.choice(LAST)
        key = f"{first}.{last}".lower()
        people[key] = Person(
            name=f"{first} {last}", email=email_of(key), title=random.choice(TITLES), time_zone=random.choice(ZONES)
        )
    Person.objects.bulk_create(people.values())
    erin = people["erin"]
    Person.objects.exclude(pk=erin.pk).update(manager=people["gina"])
    _teams(random, people)
    RoleAssignment.objects.bulk_create(
        RoleAssignment(person=people[login.key], role=login.role, given_by=erin) for login in CAST if login.role
    )
    sealed = make_password(PASSWORD)  # once: the hash is made slow on purpose
    for login in CAST:
        _log_in(people[login.key], sealed)
    return people


def _teams(random: Random, people: dict[str, Person]) -> None:
    named = {login.key: login.team for login in CAST}
    teams = {name: Team(name=name) for name in sorted({*TEAMS, *named.values()})}
    Team.objects.bulk_create(teams.values())
    TeamMembership.objects.bulk_create(
        TeamMembership(team=teams[named.get(key) or random.choice(TEAMS)], person=person)
        for key, person in people.items()
    )


def _log_in(person: Person, sealed: str) -> None:
    user = User.objects.create(email=person.email, person=person, password=sealed)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
