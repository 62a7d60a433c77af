"""What narrows the matrix of people and channels, as it stands in an address."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Q, QuerySet, Value

from accounts.models import Person, Team, TeamMembership
from channels_registry import networks
from channels_registry.models import Channel, MatrixView
from channels_registry.permissions import Oversight
from channels_registry.queries.strength import LEVELS
from socialops.lib.numbers import number
from socialops.lib.prepared import among, prepared

WHO = {"left": "Have left, and still hold a door", "unsecured": "Without a second factor here"}
DRIFTS = {
    "any": "Any drift",
    "undeclared": "Seen, not declared",
    "unseen": "Declared, not seen",
    "differs": "Levels differ",
}
SECOND = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


@dataclass(frozen=True)
class Filters:
    """What narrows the matrix; empty is everything. `down` and `across`: the last person and channel of the page
    before, as "name|id".
    """

    network: str = ""
    risk: str = ""
    brand: str = ""
    region: str = ""
    team: int | None = None
    q: str = ""
    level: str = ""
    drift: str = ""
    who: str = ""
    down: str = ""
    across: str = ""

    @classmethod
    def read(cls, said: Mapping[str, str]) -> "Filters":
        """Of an address. What makes no sense narrows nothing."""
        chosen = {"risk": Channel.RiskTier.values, "level": LEVELS, "drift": DRIFTS, "who": WHO}
        one_of = {name: said.get(name, "") for name, among in chosen.items() if said.get(name) in among}
        words = {name: said.get(name, "").strip()[:140] for name in ("network", "brand", "region", "q")}
        places = {name: said.get(name, "")[:200] for name in ("down", "across")}
        return cls(**one_of, **words, **places, team=number(said.get("team")))

    @property
    def narrowing(self) -> dict[str, Any]:
        """What narrows, without the place on the page: as it stands in an address and as it is kept."""
        return {name: value for name, value in asdict(replace(self, down="", across="")).items() if value}

    def address(self, **changed: Any) -> str:
        """The query of an address with these changes: "?level=admin&down=...". "?" for everything."""
        said = {name: value for name, value in {**asdict(self), **changed}.items() if value}
        return f"?{urlencode(said)}"

    def channels(self) -> Q:
        said = {"network": self.network, "risk_tier": self.risk, "brand": self.brand, "region": self.region}
        return Q(**{name: value for name, value in said.items() if value})

    @property
    def kept(self) -> str:
        """The same as text."""
        return urlencode(self.narrowing)

    @property
    def picks_people(self) -> bool:
        return bool(self.team or self.q or self.who)

    def people(self) -> QuerySet[Person]:
        found = Person.objects.departed() if self.who == "left" else Person.objects.all()
        if self.who == "unsecured":
            found = found.present().filter(~Exists(second_factors(OuterRef("pk"))))
        if self.team:
            found = found.filter(Exists(TeamMembership.objects.filter(person=OuterRef("pk"), team=self.team)))
        for word in self.q.split():
            found = found.filter(Q(name__icontains=word) | Q(email__icontains=word))
        return found

    @property
    def picks_doors(self) -> bool:
        return bool(self.level or self.drift)

    def levels(self) -> Q:
        """Of doors, those that count. Our own way in never does."""
        return Q(ours=False, **(LEVELS[self.level][1] if self.level else {}))


def second_factors(person: Any) -> QuerySet[Authenticator]:
    return Authenticator.objects.filter(user__person=person, type__in=SECOND)


@dataclass
class Offered:
    """What people choose from. `views`: name and query of theirs and of the shared ones."""

    views: list[tuple[str, str]] = field(default_factory=list)
    teams: list[tuple[int, str]] = field(default_factory=list)
    brands: list[str] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)


def offered(reader: Person, sight: Oversight) -> Offered:
    """One query."""
    rows = sorted(_offered(sight.everything, pk=reader.pk, ids=sight.managed), key=lambda row: row[2].casefold())
    places = [(words, more) for kind, _, words, more in rows if kind == 3]
    return Offered(
        [(words, more) for kind, _, words, more in rows if kind == 1],
        [(pk, words) for kind, pk, words, _ in rows if kind == 2],
        sorted({brand for brand, _ in places if brand}), sorted({region for _, region in places if region}),
    )  # fmt: skip


@prepared
def _offered(everything: bool, pk: int, ids: list[int]) -> QuerySet:
    mine = MatrixView.objects.filter(Q(person=pk) | Q(shared=True)).values_list(Value(1), "pk", "name", "query")
    teams = Team.objects.values_list(Value(2), "pk", "name", Value(""))
    places = Channel.objects.filter(Q() if everything else among("pk", ids)).order_by().distinct()
    # Every question asks by both, whatever it needs.
    either = places.filter(Q(pk__gt=0) | among("pk", ids)) if everything else places
    return mine.union(teams, either.values_list(Value(3), Value(0), "brand", "region"), all=True)


def in_words(chosen: Filters, teams: Mapping[int, str]) -> str:
    """What a matrix shows that is narrowed so."""
    said = [
        networks.network(chosen.network).label if chosen.network in networks.slugs() else chosen.network,
        f"{chosen.risk} risk" if chosen.risk else "", chosen.brand, chosen.region,
        teams.get(chosen.team, "a team that is gone") if chosen.team else "", f"“{chosen.q}”" if chosen.q else "",
        LEVELS[chosen.level][0] if chosen.level else "", DRIFTS.get(chosen.drift, ""), WHO.get(chosen.who, ""),
    ]  # fmt: skip
    return " · ".join(filter(None, said)) or "Everybody and every channel"
