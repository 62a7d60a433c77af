"""The card of a post's link: which link, what is known of its page, what would be sent, and how it is drawn."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Q
from django.db.models.functions import Now
from django.urls import reverse
from yarl import URL

from channels_registry.connector.text import LINK
from channels_registry.connector.types import LinkCards
from channels_registry.models import Channel
from publishing.models import LinkCard, Post, Variant
from publishing.queries.checking import connector_of

_IS_CARD = Q(read_at__isnull=False, problem="")
NONE = "none"  # stands for the link where no card is wanted
WAITED = timedelta(seconds=30)  # for a worker; after it nobody reads it


@dataclass(frozen=True)
class Page:
    """What is known of a page: the newest card, and the newest reading, which may still be waited for (`waits`)."""

    card: LinkCard | None = None
    last: LinkCard | None = None
    waits: bool = False


@dataclass(frozen=True)
class CardView:
    """As it is drawn. `said` is a sentence below it, `wrong` if that says why there is none."""

    domain: str
    title: str = ""
    description: str = ""
    picture: str = ""  # its address
    said: str = ""
    wrong: bool = False
    waits: bool = False
    read_at: datetime | None = None
    page: int = 0  # the reading that is sent, by its id


def links_in(texts: Iterable[str]) -> list[str]:
    """Each once, in order."""
    return list(dict.fromkeys(link for text in texts for link in LINK.findall(text)))


def link_of(text: str, chosen: str) -> str:
    """The link that a card is drawn of: the chosen one where the text has it, else the first. "" for none."""
    links = links_in([text]) if chosen != NONE else []
    return chosen if chosen in links else links[0] if links else ""


def pages(links: Iterable[str]) -> dict[str, Page]:
    """By link. Two queries; none without links."""
    links = [link for link in links if link]
    if not links:
        return {}
    newest = LinkCard.objects.filter(url__in=links).values("url")
    ids = newest.annotate(last=Max("pk"), card=Max("pk", filter=_IS_CARD)).values_list("url", "last", "card")
    waits = Q(read_at=None, asked_at__gt=Now() - WAITED)
    rows = LinkCard.objects.annotate(waits=waits).in_bulk({pk for _, *pair in ids for pk in pair if pk})
    return {url: Page(rows.get(card), rows.get(last), rows[last].waits) for url, last, card in ids}


def readings(cards: Iterable[Mapping[str, Any]]) -> dict[int, LinkCard]:
    """The readings that these cards are of, by id. One query; none without cards."""
    ids = {card["page"] for card in cards if card}
    return LinkCard.objects.in_bulk(ids) if ids else {}


def taken(post: Post, variant: Variant, known: Mapping[str, Page]) -> dict[str, Any]:
    """The card that saving gives this variant: {"page", "url", "title", "description", "sha256"}, or {}.

    Once somebody is asked about a post, or has agreed, a page that says something else does not change its card.
    """
    how, link = _how(variant.channel), link_of(_raw(post, variant), post.card_link)
    if how is None or not how.sent or not link:
        return {}
    settled = post.state in (Post.State.IN_APPROVAL, Post.State.APPROVED)
    if settled and variant.card.get("url") == link:
        return variant.card
    card = known[link].card if link in known else None
    if card is None:
        return variant.card if variant.card.get("url") == link else {}
    return {
        "page": card.pk, "url": link, "title": card.title, "description": card.description, "sha256": card.sha256,
    }  # fmt: skip


def links_of(post: Post, variants: Iterable[Variant]) -> list[str]:
    """The links that cards of this post are drawn of."""
    drawing = [v for v in variants if _how(v.channel)]
    return list(dict.fromkeys(filter(None, (link_of(_raw(post, v), post.card_link) for v in drawing))))


def drawn(variant: Variant, known: Mapping[str, Page] | None = None) -> CardView | None:
    """What stands under the text there; None where nothing would. `known` says what the pages say by now."""
    how, link = _how(variant.channel), link_of(_raw(variant.post, variant), variant.post.card_link)
    if how is None or variant.media or not (link or variant.card):
        return None
    page = (known or {}).get(link) or Page()
    if how.sent and variant.card:
        return as_sent(variant.card, page)
    if page.waits:
        return CardView(_domain(link), said=f"Reading {_domain(link)} for its card.", waits=True)
    if page.last and not page.card and (why := page.last.problem or "nobody has read the page yet."):
        said = f"No card for {_domain(link)}: {why} The post can go out without one."
        return CardView(_domain(link), said=said, wrong=True)
    if not how.sent:
        return _by_network(variant.channel, link, page.card)
    return CardView(_domain(link), said=f"{_domain(link)} was not read, so there is no card yet.")


def as_asked(channel: Channel, said: Mapping[str, Any]) -> CardView | None:
    """From what a revision says on a channel."""
    if card := said.get("card"):
        return as_sent(card)
    how, link = _how(channel), link_of(said["text"], "")
    return _by_network(channel, link) if how and not how.sent and link and not said.get("media") else None


def as_sent(card: Mapping[str, Any], page: Page | None = None) -> CardView:
    read = page.card if page and page.card and page.card.pk == card["page"] else None
    shown = (card["title"], card["description"], _picture(card["sha256"]))
    return CardView(_domain(card["url"]), *shown, read_at=read.read_at if read else None, page=card["page"])


def in_words(card: Mapping[str, Any]) -> str:
    """To be compared: what it says, and which picture."""
    picture = f" Picture {card['sha256'][:6]}." if card["sha256"] else ""
    return f"Card of {_domain(card['url'])}: {card['title']}. {card['description']}{picture}"


def _by_network(channel: Channel, link: str, card: LinkCard | None = None) -> CardView:
    said = f"{channel.connector.label} reads {_domain(link)} itself and draws a card of it."
    if card is None:
        return CardView(_domain(link), said=said)
    shown = (card.title, card.description, _picture(card.sha256))
    return CardView(_domain(link), *shown, said=f"{said} It may differ from this.", read_at=card.read_at)


def _picture(sha256: str) -> str:
    return reverse("card_picture", args=[sha256]) if sha256 else ""


def _how(channel: Channel) -> LinkCards | None:
    connector = connector_of(channel)
    return connector.cards if connector else None


def _raw(post: Post, variant: Variant) -> str:
    return post.text if variant.text is None else variant.text


def _domain(url: str) -> str:
    try:
        return (URL(url).host or url[:80]).removeprefix("www.")
    except ValueError:
        return url[:80]
