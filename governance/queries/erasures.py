"""What of a person stays when the rest is erased, and why."""

from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.models import AuditEvent, Person
from channels_registry.models import AccessGrant, NetworkIdentity
from governance.models import Erasure, EvidenceBundle, LegalHold, ReviewItem
from publishing.models import Comment, Post, Publication


@dataclass(frozen=True)
class What:
    name: str
    count: int
    why: str


def stays(person: Person) -> list[What]:
    """Without their name: it says “Erased person” wherever their name stood."""
    rows: list[tuple[str, QuerySet, str]] = [
        ("Posts that they wrote", Post.objects.filter(author=person), "The company’s own words, kept as records."),
        ("Publications they answered for", Publication.objects.filter(answerable=person),
         "What the company said in public has to be shown again when somebody asks."),
        ("Comments", Comment.objects.filter(by=person),
         "Part of how a post was decided. The text stays, their name goes."),
        ("Doors in the ledger", AccessGrant.objects.filter(person=person),
         "Who could reach a channel is proof of control, for as long as auditors may ask."),
        ("Lines of access reviews", ReviewItem.objects.filter(person=person),
         "Frozen when the review began, with the name as it was: what was signed is proven by its hash."),
        ("Accounts on networks", NetworkIdentity.objects.filter(person=person),
         "The handle over there shows that a door is shut; it is the network’s to erase."),
        ("Events that they did", AuditEvent.objects.filter(actor=person),
         "When and what stays, without the name, so that the chain proves itself."),
        ("Packs handed out before", EvidenceBundle.objects.filter(state="made"),
         "They are signed as they were handed out, and may name them."),
    ]  # fmt: skip
    return [What(name, count, why) for name, found, why in rows if (count := found.count())]


def holds() -> QuerySet[LegalHold]:
    return LegalHold.objects.select_related("person", "channel", "placed_by", "lifted_by").order_by("-pk")


def erasures() -> QuerySet[Erasure]:
    return Erasure.objects.select_related("person", "asked_by", "confirmed_by").order_by("-pk")
