"""What a row of a file asks for, and what is wrong with it: read against what stands here, fetched for many at once."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError

from accounts.models import Person
from channels_registry import permissions as channel_permissions
from channels_registry.connector.text import LINK
from channels_registry.models import Channel
from publishing.models import Asset, Blackout, Campaign, ImportRow, Post, Variant
from publishing.models.revision import sha256
from publishing.permissions import visible_assets
from publishing.queries.checking import live_facts, measure, now, rights_end
from publishing.queries.columns import own_text, spellings
from publishing.queries.moments import instant
from publishing.queries.silences import silence_of
from socialops.lib import wall_clock
from socialops.lib.tables import LOST

LONGEST = {"key": 200, "title": 140, "why_now": 300}
LONGEST_TAG = 40
WANTED = ("at", "date", "time")


@dataclass
class Wish:
    """`given`: the fields that the file has a column for; the rest of a post that is there already stays."""

    given: frozenset[str]
    problems: dict[str, str] = field(default_factory=dict)
    key: str = ""
    channels: list[Channel] = field(default_factory=list)
    text: str = ""
    own: dict[int, str | None] = field(default_factory=dict)
    title: str = ""
    why_now: str = ""
    at: datetime | None = None
    zone: str = ""
    campaign: Campaign | None = None
    tags: list[str] = field(default_factory=list)
    asset: Asset | None = None

    @property
    def timed(self) -> bool:
        return not self.given.isdisjoint(WANTED)

    def identity(self, by: Person) -> str:
        """The same for rows that mean the same post: by their key, else by where, what and when."""
        return sha256([by.pk, self.key] if self.key else [by.pk, *self._said()])

    def digest(self) -> str:
        """Of all that the row says."""
        of = self.campaign.pk if self.campaign else None
        more = {"title": self.title, "why_now": self.why_now, "campaign": of, "tags": self.tags}
        picture = self.asset.pk if self.asset else None
        return sha256([self._said(), {name: more[name] for name in sorted(more) if name in self.given}, picture])

    def _said(self) -> list[Any]:
        own = sorted([pk, text] for pk, text in self.own.items() if text is not None)
        return [sorted(c.pk for c in self.channels), self.text, own, self.at.isoformat() if self.at else ""]


class Ground:
    """What may be named in a file of this person. Six queries, whatever the number of rows; one more for pictures."""

    def __init__(self, person: Person, mapping: Mapping[str, int], zone: str, rows: Iterable[ImportRow]):
        self.person, self.mapping, self.zone, self.now = person, mapping, zone, now()
        self.drafts = set(channel_permissions.channels_with(person, "draft").values_list("pk", flat=True))
        self.campaigns = {c.name.casefold(): c for c in Campaign.objects.filter(archived_at=None)}
        self.silences = list(Blackout.objects.filter(ended_at=None, ends_at__gt=self.now).order_by("starts_at"))
        self.channels: dict[str, dict[int, Channel]] = {}
        for channel in seen_channels(person):
            for word in spellings(channel):
                self.channels.setdefault(word.casefold(), {})[channel.pk] = channel
        self.own = {own_text(c): c for named in self.channels.values() for c in named.values()}
        self.pictures = self._pictures({self._cell(row.cells, "picture").casefold() for row in rows} - {""})

    def wish(self, cells: list[str]) -> Wish:
        wish = Wish(frozenset(self.mapping))
        for name, place in self.mapping.items():
            if place < len(cells) and LOST in cells[place]:
                words = f"Characters that could not be read show as {LOST}. Correct them, or choose another encoding."
                wish.problems[name] = words
        self._short(wish, cells)
        self._channels(wish, self._cell(cells, "channels"))
        self._texts(wish, cells)
        self._time(wish, cells)
        self._campaign(wish, self._cell(cells, "campaign"))
        if picture := self._cell(cells, "picture"):
            wish.asset = self.pictures.get(picture.casefold())
            if wish.asset is None:
                wish.problems["picture"] = f"No picture in the library is called “{picture[:80]}”."
        self._lengths(wish)
        return wish

    def untimely(self, wish: Wish, post: Post | None = None) -> dict[str, str]:
        """What keeps it from its time, in the words of scheduling: an error, unless the post wants that time already.

        `post` is the one that it means, with its embargo fetched.
        """
        if wish.at is None:
            return {}
        embargo = getattr(post, "embargo", None)
        words = rights_end(wish.asset, wish.at) if wish.asset else ""
        if wish.at <= self.now:
            words = "This time has passed. Choose a later one."
        elif silence := silence_of(embargo, [b for b in self.silences if _covers(b, wish)], wish.at):
            words = silence.words(wish.zone)
        return {next(name for name in WANTED if name in wish.given): words} if words else {}

    def _cell(self, cells: list[str], name: str) -> str:
        return self._whole(cells, name).strip()

    def _whole(self, cells: list[str], name: str) -> str:
        place = self.mapping.get(name, len(cells))
        return cells[place].replace("\r\n", "\n").replace("\r", "\n") if place < len(cells) else ""

    def _short(self, wish: Wish, cells: list[str]) -> None:
        for name, most in LONGEST.items():
            said = " ".join(self._cell(cells, name).split())
            setattr(wish, name, said)
            if len(said) > most:
                wish.problems[name] = f"This is {len(said)} characters long, {most} are allowed."
        tags = (" ".join(tag.lower().split()).removeprefix("#") for tag in re.split("[,;]", self._cell(cells, "tags")))
        wish.tags = [tag for tag in dict.fromkeys(tags) if tag]
        if any(len(tag) > LONGEST_TAG for tag in wish.tags):
            wish.problems["tags"] = f"A tag is at most {LONGEST_TAG} characters long."

    def _channels(self, wish: Wish, said: str) -> None:
        if not said:
            wish.problems["channels"] = "Name at least one channel."
        for word in [said] if said.casefold() in self.channels else re.split(r"[,;|\n]", said):
            if problem := self._channel(wish, " ".join(word.split())):
                wish.problems["channels"] = problem

    def _channel(self, wish: Wish, word: str) -> str:
        found = list(self.channels.get(word.casefold(), {}).values())
        mine = [c for c in found if c.pk in self.drafts]
        if not word:
            return ""
        if not found:
            return f"There is no channel “{word[:80]}” that you may see. Use its handle, its name or its number."
        if not mine:
            return f"You may not write on {found[0]}. Ask who manages it."
        if len(mine) > 1:
            return f"“{word[:80]}” can mean {' or '.join(spellings(c)[0] for c in mine)}. Write which."
        if mine[0] not in wish.channels:
            wish.channels.append(mine[0])
        return ""

    def _texts(self, wish: Wish, cells: list[str]) -> None:
        wish.text = self._whole(cells, "text")
        link = self._cell(cells, "link")
        if link and not LINK.fullmatch(link):
            wish.problems["link"] = "Write the whole address, with https:// in front."
        elif link and link not in wish.text:
            wish.text = f"{wish.text.rstrip()}\n\n{link}" if wish.text.strip() else link
        there = {c.pk for c in wish.channels}
        for name, channel in self.own.items():
            text = self._whole(cells, name)
            if name in self.mapping and channel.pk in there:
                wish.own[channel.pk] = text if text.strip() else None
            elif text.strip() and "channels" not in wish.problems:
                wish.problems[name] = f"This row does not go to {channel}. Name it among the channels, or empty this."

    def _time(self, wish: Wish, cells: list[str]) -> None:
        zone = self._cell(cells, "zone") or self.zone
        try:
            wall_clock.known_time_zone(zone)
        except ValidationError as error:
            wish.problems["zone"] = error.messages[0]
            return
        wish.zone = zone
        try:
            at, day, hour = (self._cell(cells, name) for name in WANTED)
            wish.at = instant(at, day, hour, zone)
        except ValidationError as error:
            said = error.message_dict if hasattr(error, "error_dict") else {"at": error.messages}
            known = {name if name in self.mapping else "at" if "at" in self.mapping else "date": words[0]
                     for name, words in said.items()}  # fmt: skip
            wish.problems |= known

    def _campaign(self, wish: Wish, said: str) -> None:
        wish.campaign = self.campaigns.get(said.casefold())
        if said and wish.campaign is None:
            wish.problems["campaign"] = f"No campaign is called “{said[:80]}”. Start it first, or empty this."

    def _lengths(self, wish: Wish) -> None:
        """As each network counts, with what the campaign adds to links."""
        if self.mapping.keys().isdisjoint({"text", *self.own}):
            return
        post = Post(text=wish.text, campaign=wish.campaign)
        for channel in wish.channels:
            text = wish.own.get(channel.pk)
            name = "text" if text is None else own_text(channel)
            if problem := measure(channel, Variant(post=post, channel=channel, text=text).final_text).problem:
                wish.problems.setdefault(name, f"{channel}: {problem}")

    def _pictures(self, words: set[str]) -> dict[str, Asset]:
        if not words:
            return {}
        library = visible_assets(self.person).filter(archived_at=None).order_by("-pk")
        found = {each.title.casefold(): each for each in library if each.title.casefold() in words}
        return found | {each.sha256: each for each in library if each.sha256 in words}


def _covers(blackout: Blackout, wish: Wish) -> bool:
    if blackout.channel_id or blackout.network:
        return any(c.pk == blackout.channel_id or c.network == blackout.network for c in wish.channels)
    return blackout.campaign_id is None or (wish.campaign is not None and wish.campaign.pk == blackout.campaign_id)


def seen_channels(person: Person) -> list[Channel]:
    """Those they may see, with what the server behind each says of itself. One query."""
    seen = Channel.objects.filter(pk__in=channel_permissions.seen_by(person).values("pk")).exclude(state="archived")
    return list(seen.annotate(live_facts=live_facts("pk")).order_by("name", "pk"))
