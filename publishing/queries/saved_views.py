"""Ways of looking at the calendar: those that are kept under a name, and the words for what narrows one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Exists, JSONField, OuterRef, Q, Value

from accounts.models import Person
from channels_registry import networks
from publishing.models import Campaign, OpeningView, SavedView
from publishing.queries.calendar import STATES, Filters, channels_of


@dataclass(frozen=True)
class Saved:
    """A view that was kept; `opens` is what the reader's calendar opens with."""

    name: str
    filters: Filters
    layout: str
    opens: bool

    @property
    def query(self) -> str:
        """Of its address."""
        return "?" + urlencode({"view": self.layout, **self.filters.said})


def offered(person: Person) -> tuple[list[tuple[int, str]], list[Saved]]:
    """Campaigns to narrow by, and the saved views of theirs and of everybody, by name. One query."""
    opening = OpeningView.objects.filter(person=person, view=OuterRef("pk"))
    views = SavedView.objects.filter(Q(person=person) | Q(shared=True)).values_list(
        Value(True), "pk", "name", "layout", "filters", Exists(opening)
    )
    nothing = Value({}, output_field=JSONField())
    campaigns = Campaign.objects.filter(archived_at=None).values_list(
        Value(False), "pk", "name", Value(""), nothing, Value(False)
    )
    rows = sorted(campaigns.union(views, all=True), key=lambda row: row[2].casefold())
    saved = [Saved(name, Filters(**said), layout, opens) for is_view, _, name, layout, said, opens in rows if is_view]
    return [(pk, name) for is_view, pk, name, *_ in rows if not is_view], saved


def told(person: Person, each: Sequence[Filters]) -> list[str]:
    """What calendars show that are narrowed so, in words. Two queries for all of them."""
    channels = {pk: name for pk, name, *_ in channels_of(person)}
    campaigns = dict(Campaign.objects.filter(pk__in=[f.campaign for f in each]).values_list("pk", "name"))
    return [" · ".join(_words(filters, channels, campaigns)) or "Everything that you may see" for filters in each]


def _words(filters: Filters, channels: Mapping[int, str], campaigns: Mapping[int, str]) -> Iterator[str]:
    if filters.channel:
        yield channels.get(filters.channel, "a channel that you do not see")
    if filters.network:
        yield networks.network(filters.network).label if filters.network in networks.slugs() else filters.network
    if filters.state:
        yield STATES[filters.state][0]
    if filters.campaign:
        yield campaigns.get(filters.campaign, "a campaign that is gone")
    if filters.tag:
        yield f"tag {filters.tag}"
    if filters.q:
        yield f"“{filters.q}” in the title"
