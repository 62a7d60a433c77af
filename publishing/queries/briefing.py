"""What an approver needs to know, in plain words and from what is really known. What is not known is said to be so."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import QuerySet

from accounts.models import Person
from channels_registry.connector.text import LINK
from channels_registry.models import Channel
from channels_registry.permissions import seen_by
from publishing.models import Approval, ApprovalStage, Campaign, Post, Publication
from publishing.models.revision import texts_in
from publishing.queries import reach
from publishing.queries.agreeing import StageRow
from publishing.queries.checking import connector_of
from publishing.queries.drawing import Preview
from publishing.queries.holds import holds_on

NEARBY = timedelta(minutes=10)
MEANS = {
    "facts": "By approving you say that it is true: names, numbers, prices, dates, and what the pictures show.",
    "legal": "By approving you say that we may publish it: its claims and promises, and the pictures in it.",
    "brand": "By approving you say that it sounds and looks like us. Others answer for what it claims.",
}
MEANS_OUTSIDE = {
    "facts": "By agreeing you say that it is true: names, numbers, prices, dates, and what the pictures show.",
    "legal": "By agreeing you say that it may be published: its claims and promises, and the pictures in it.",
    "brand": "By agreeing you say that it sounds and looks right. Others answer for what it claims.",
}
COVERED = {
    "text": "the text", "media": "the pictures", "alt_text": "how they are described", "channels": "the channels",
    "placement": "the place there", "time": "the time",
}  # fmt: skip
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
CLAIM = re.compile(
    rf"[€$£]\s?\d[\d.,]*|\d{{1,2}}(?:st|nd|rd|th)? (?:{MONTHS})\b(?: \d{{4}})?|(?:{MONTHS}) \d{{1,2}}\b"
    r"|\b\d{1,2}:\d{2}\b|\b\d[\d.,]*\d?\s?(?:%|€|\$|£|euros?\b|dollars?\b|percent\b)|\b\d(?:[\d.,]*\d)?\b"
)
MENTION = re.compile(r"(?<![\w@./])@[\w][\w.@-]*[\w]")
MOST_CLAIMS = 8


@dataclass(frozen=True)
class Point:
    """One line of the brief. `tone` "risk": look at this first."""

    title: str
    words: str
    icon: str
    tone: str = ""
    links: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Brief:
    """`means` says what agreeing stands for. `first` are the lines to read before deciding, `rest` the others.
    `similar` None: other posts are nothing to this reader.
    """

    means: str
    covers: str
    first: list[Point]
    rest: list[Point]
    similar: list[reach.Similar] | None


def brief(approval: Approval, previews: list[Preview], reader: Person, question: StageRow | None) -> Brief:
    """About five queries, whatever the number of channels. Other posts are named where the reader sees the channel."""
    post, channels = approval.post, [each.channel for each in previews]
    seen = seen_by(reader).filter(pk__in=[c.pk for c in channels]).values("pk")
    posts = reach.recent(seen, post.pk)
    passed, failed = _checks(approval, previews, seen)
    remit = question.stage.remit if question else ""
    points = [
        *failed,
        *_claims(approval, remit),
        _audience(channels, _reached(channels, posts)),
        _why_now(post, post.campaign),
    ]
    more = [*_names(approval), *_links(approval), *_passed(passed), *_others(question)]
    first = max(3, len(failed))
    covers = question.stage.covers if question else []
    return _brief(
        MEANS.get(remit, ""), covers, points[:first], [*points[first:], *more], reach.similar(approval, posts)
    )


def brief_outside(approval: Approval, previews: list[Preview], stage: ApprovalStage) -> Brief:
    """What somebody from outside may know: what the post itself says and shows, who can follow it, and what its author
    wrote to those who approve. Nothing of other posts, holds, figures, the campaign or the library. No query.
    """
    failed = [Point("Look at this", words, "triangle-alert", "risk") for words in _lengths(previews)]
    audience = _audience([each.channel for each in previews], [])
    points = [*failed, *_claims(approval, stage.remit), audience, _why_now(approval.post, None)]
    passed = [] if failed else ["The length fits every channel."]
    more = [*_names(approval), *_links(approval), *_passed(passed)]
    first = max(3, len(failed))
    return _brief(MEANS_OUTSIDE[stage.remit], stage.covers, points[:first], [*points[first:], *more], None)


def _brief(means: str, covers: list[str], first: list[Point], rest: list[Point], similar: list | None) -> Brief:
    return Brief(means, _listed(COVERED[part] for part in covers), first, rest, similar)


def _audience(channels: list[Channel], reached: list[str]) -> Point:
    """Who follows, how many a post usually reaches, and what each network is for."""
    networks = {it.label: it.purpose for channel in channels if (it := connector_of(channel))}
    purposes = [f"{label}: {why}" for label, why in networks.items()]
    return Point("Who sees it", "\n".join([*map(_follow, channels), *reached, *purposes]), "users")


def _reached(channels: list[Channel], posts: list[reach.Counted]) -> list[str]:
    usual = {channel.name: found for channel in channels if (found := reach.typical(posts, channel.pk))}
    said = [_usual(found, name if len(channels) > 1 else "") for name, found in usual.items()]
    return said or ["How many a post usually reaches is not known yet: none was counted."]


def _follow(channel: Channel) -> str:
    size = channel.audience_size
    return f"{size:,} follow {channel.name}." if size else f"How many follow {channel.name} is not known yet."


def _usual(usual: reach.Typical, where: str) -> str:
    middle = "the last post that was counted" if usual.posts == 1 else f"the middle of {usual.posts} recent posts"
    post = f"A post on {where}" if where else "A post"
    if usual.of == "views":
        return f"{post} is usually seen {usual.number:,} times ({middle})."
    return f"{post} usually gets {usual.number:,} likes, reposts and answers ({middle}); views are not told."


def _why_now(post: Post, campaign: Campaign | None) -> Point:
    said = [post.why_now.strip() or "The author gave no reason. Ask for one if it matters."]
    if campaign:
        goal = campaign.goal.strip()
        said.append(f"Part of “{campaign}”{f': {goal}' if goal else ''}{'' if goal.endswith('.') else '.'}")
    return Point("Why now", " ".join(said), "clock")


def _claims(approval: Approval, remit: str) -> list[Point]:
    """Numbers, prices and dates that the texts state, for whoever answers for facts or for what is promised."""
    texts = [LINK.sub(" ", text) for text in texts_in(approval.revision.content)]
    found = list(dict.fromkeys(hit.strip() for text in texts for hit in CLAIM.findall(text)))
    if remit == "brand" or not found:
        return []
    shown = ", ".join(found[:MOST_CLAIMS])
    more = f" and {len(found) - MOST_CLAIMS} more" if len(found) > MOST_CLAIMS else ""
    return [Point("Claims to check", f"{shown}{more}. Nobody but you checks whether they are right.", "list-checks")]


def _names(approval: Approval) -> list[Point]:
    named = dict.fromkeys(hit for text in texts_in(approval.revision.content) for hit in MENTION.findall(text))
    return [Point("It speaks to somebody", f"{_listed(named)} will be told of it.", "at-sign")] if named else []


def _links(approval: Approval) -> list[Point]:
    links = list(dict.fromkeys(hit for text in texts_in(approval.revision.content) for hit in LINK.findall(text)))
    return [Point("Not checked", "Whether these open what they should:", "link", links=links[:5])] if links else []


def _passed(passed: list[str]) -> list[Point]:
    return [Point("Checked", " ".join(passed), "check")] if passed else []


def _others(question: StageRow | None) -> list[Point]:
    """Who decides beside this reader at the same stage."""
    if question is None or len(question.places) < 2:
        return []
    return [Point("Who else decides", question.rule, "user-check")]


def _checks(approval: Approval, previews: list[Preview], seen: QuerySet) -> tuple[list[str], list[Point]]:
    """(what is well, what is not), each from something that was looked at now."""
    post, channels, at = approval.post, [each.channel for each in previews], approval.wanted_at
    results = [
        ("The length fits every channel.", _lengths(previews)),
        ("Every channel is connected.", _dead(channels)),
        ("Nothing is held.", [f"Held now: {hold.scope}. {hold.reason}" for hold in _holds(channels, post)]),
    ]
    if any(each.pictures for each in previews):
        results.append(("Every picture has its alt text, and we may use it.", _pictures(previews, at)))
    if at is not None:
        results.append(("Nothing else goes out there within ten minutes of it.", _clashes(post, seen, at)))
    failed = [Point("Look at this", words, "triangle-alert", "risk") for _, wrong in results for words in wrong]
    return [well for well, wrong in results if not wrong], failed


def _lengths(previews: list[Preview]) -> list[str]:
    return [f"{each.channel.name}: {each.measure.problem}" for each in previews if each.measure.problem]


def _dead(channels: list[Channel]) -> list[str]:
    dead = [c for c in channels if getattr(c, "live_facts", None) is None]
    return [f"{c.name} is not connected, so nothing can go out there until it is." for c in dead]


def _holds(channels: list[Channel], post: Post) -> QuerySet:
    return holds_on(channels, post).select_related("channel", "campaign")


def _pictures(previews: list[Preview], at: datetime | None) -> list[str]:
    """What is wrong with the pictures now, and rights that end before it would go out."""
    said = []
    for picture in (picture for each in previews for picture in each.pictures):
        ends = picture.asset.expires_at
        if picture.problem:
            said.append(f"“{picture.asset.title}”: {picture.problem}")
        elif at and ends and ends <= at:
            said.append(f"“{picture.asset.title}”: the rights end before it would go out.")
    return list(dict.fromkeys(said))


def _clashes(post: Post, channels: QuerySet, at: datetime) -> list[str]:
    near = Publication.objects.filter(channel__in=channels, part=0, due_at__range=(at - NEARBY, at + NEARBY))
    near = near.exclude(variant__post=post).exclude(state="cancelled").select_related("channel", "variant__post")
    return [f"“{p.variant.post.title}” goes out on {p.channel.name} within ten minutes of it." for p in near[:5]]


def _listed(words: Iterable[str]) -> str:
    all_ = list(words)
    return " and ".join(filter(None, [", ".join(all_[:-1]), *all_[-1:]]))
