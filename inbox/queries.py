"""Reading the inbox: the list and its views, one conversation, and what waits for whom."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.urls import reverse
from django.utils import timezone

from accounts.models import Person
from channels_registry.models import Channel, Connection
from channels_registry.permissions import channels_with, rights_rows, seen_by
from channels_registry.queries.lifecycle import Pointing
from inbox.models import Assignment, Conversation, Message, PollCursor, Reply, ReplyAttempt
from socialops.lib.cursors import cursor_after, place_of
from socialops.lib.delivery.late import accepted_late, late_url
from socialops.lib.tags import span_words
from socialops.lib.waiting import Kind, Waiting

VIEWS = {
    "mine": "Assigned to you",
    "unassigned": "Unassigned",
    "open": "Open",
    "pending": "Pending",
    "snoozed": "Snoozed",
    "resolved": "Resolved",
}
PAGE = 40
MESSAGES = 50
NEEDS_SOMEBODY = ("needs_human", "held", "blocked", "failed", "missed")
IN_SIGHT = ("scheduled", "sending", "unknown", *NEEDS_SOMEBODY)
WORDS = {
    "unknown": "may or may not be out", "needs_human": "may or may not be out", "held": "is held",
    "blocked": "cannot go out", "missed": "is late", "failed": "was refused by the network",
}  # fmt: skip
TONES = {"unknown": "unsure", "needs_human": "unsure", "held": "held"}
SILENT = Kind("channels are not being read", "What customers say there does not arrive.", "See each")
MANY = {
    "unknown": Kind("answers may or may not be out", "They are being looked for.", "See each"),
    "needs_human": Kind("answers may or may not be out", "Look on the network, and say.", "See each"),
    "held": Kind("answers are held", "Each waits for somebody to decide.", "See each"),
    "blocked": Kind("answers cannot go out", "Each says what keeps it.", "See each"),
    "missed": Kind("answers are late", "Customers wait for each.", "See each"),
    "failed": Kind("answers were refused by the network", "Each says why.", "See each"),
}


@dataclass(frozen=True)
class Listed:
    """One page of the list. `next` is the cursor of the following page, "" at the end."""

    conversations: Sequence[Conversation]
    next: str
    stamp: str


@dataclass(frozen=True)
class Thread:
    """What was said, oldest first, and the replies that are not settled.

    `earlier` is the cursor of the page before ("" at the beginning), `seen` the id of the last message shown.
    """

    messages: list[Message]
    replies: list[Reply]
    earlier: str
    seen: int
    stamp: str


def counts(channels: QuerySet[Channel], person: Person) -> dict[str, int]:
    """How many wait in each view. One query; what is settled is not counted."""
    unsettled = Conversation.objects.filter(channel__in=channels.values("pk")).exclude(state="resolved")
    return unsettled.aggregate(
        mine=Count("pk", filter=Q(assigned_to=person, state="open")),
        unassigned=Count("pk", filter=Q(assigned_to=None, state="open")),
        open=Count("pk", filter=Q(state="open")),
    )


def listed(channels: QuerySet[Channel], person: Person, view: str, wanted: dict[str, Any], before: str) -> Listed:
    """A page of one view, newest first. `wanted`: channel (an id) and q (words); `before`: a cursor."""
    found = Conversation.objects.filter(_in_view(view, person), channel__in=channels.values("pk"))
    if wanted.get("channel"):
        found = found.filter(channel=wanted["channel"])
    if words := wanted.get("q"):
        found = found.filter(
            Q(contact__name__icontains=words)
            | Q(contact__handle__icontains=words)
            | Q(subject__icontains=words)
            | Q(preview__icontains=words)
        )
    if place := place_of(before):
        found = found.filter(Q(last_message_at__lt=place[0]) | Q(last_message_at=place[0], pk__lt=place[1]))
    unsent = Exists(Reply.objects.filter(conversation=OuterRef("pk"), state__in=NEEDS_SOMEBODY))
    found = found.select_related("contact", "channel", "assigned_to").annotate(unsent=unsent)
    page = list(found.order_by("-last_message_at", "-pk")[: PAGE + 1])
    rest, page = page[PAGE:], page[:PAGE]
    for each in page:
        each.waits = waits(each)
    following = cursor_after(page[-1].last_message_at, page[-1].pk) if rest else ""
    rows = [(c.pk, c.state, c.preview, c.last_message_at, c.assigned_to_id, c.waits, c.unsent) for c in page]
    return Listed(page, following, _stamp([*rows, following]))


def conversation_for(person: Person, pk: int) -> Conversation | None:
    """The conversation with all that its page says of it, in one query; None where it is not theirs to see."""
    live = Connection.objects.filter(channel=OuterRef("channel"), state=Connection.State.LIVE)
    trouble = PollCursor.objects.filter(channel=OuterRef("channel")).exclude(trouble="")
    last = Assignment.objects.filter(conversation=OuterRef("pk")).order_by("-pk")
    found = Conversation.objects.select_related("contact", "channel__owner", "assigned_to").annotate(
        may_answer=Exists(rights_rows("answer").filter(user__person=person, content_object=OuterRef("channel"))),
        connected=Exists(live),
        facts=Subquery(live.values("facts")[:1]),
        trouble=Subquery(trouble.values("trouble")[:1]),
        assigned_by=Subquery(last.values("by__name")[:1]),
        assigned_because=Subquery(last.values("reason")[:1]),
    )
    conversation = found.filter(pk=pk, channel__in=seen_by(person).values("pk")).first()
    if conversation is not None:
        conversation.waits = waits(conversation)
    return conversation


def thread(conversation: Conversation, until: str = "") -> Thread:
    """The latest messages, or those up to the cursor `until`, with the replies in sight. Three queries."""
    stamp = _stamp(_seen(Conversation.objects.filter(pk=conversation.pk), until) or ())
    late = {"late": accepted_late(ReplyAttempt), "late_url": late_url(ReplyAttempt)}
    # Replies first: one that leaves between the two reads is among the messages then, and never in neither.
    in_sight = list(_in_sight(conversation).select_related("answerable").annotate(**late))
    latest = list(_said(conversation, until).select_related("reply__answerable"))
    said = {message.reply_id for message in latest}
    replies = [reply for reply in in_sight if reply.pk not in said or reply.state not in ("scheduled", "sending")]
    earlier = cursor_after(latest[MESSAGES].at, latest[MESSAGES].pk) if len(latest) > MESSAGES else ""
    messages = latest[:MESSAGES][::-1]
    return Thread(messages, replies, earlier, max((m.pk for m in messages), default=0), stamp)


def stamp(person: Person, pk: int, until: str = "") -> str | None:
    """What thread() would be stamped with, in one query; None where the conversation is not theirs to see."""
    row = _seen(Conversation.objects.filter(pk=pk, channel__in=seen_by(person).values("pk")), until)
    return _stamp(row) if row else None


def before(conversation: Conversation, channels: QuerySet[Channel], most: int = 5) -> list[Conversation]:
    """What else this customer and we said to one another, on channels the reader sees."""
    others = Conversation.objects.filter(contact=conversation.contact_id, channel__in=channels.values("pk"))
    return list(others.exclude(pk=conversation.pk).select_related("channel").order_by("-last_message_at")[:most])


def waits(conversation: Conversation) -> str:
    """How long the customer has been waiting, in words; "" if they are not."""
    if conversation.waiting_since is None or conversation.state == Conversation.State.RESOLVED:
        return ""
    return span_words((timezone.now() - conversation.waiting_since).total_seconds())


def waiting_for(person: Person) -> list[Waiting]:
    """Customers who wait for this person, longest first, and replies that somebody has to decide. Two queries."""
    asked = _mine(person).select_related("contact", "channel").order_by("waiting_since")[:20]
    answers = [
        Waiting(
            f"Answer {each.contact}",
            f"“{each.subject}” · {each.channel.name}, waits {waits(each)}",
            reverse("conversation", args=[each.pk]),
            "Answer",
        )
        for each in asked
    ]
    there = channels_with(person, "answer").values("pk")
    return [*_unsettled(Q(channel__in=there), NEEDS_SOMEBODY), *answers]


def trouble(person: Person) -> list[Waiting]:
    """Channels that cannot be read, and replies that did not get out, on channels this person sees."""
    there = seen_by(person).values("pk")
    unread = PollCursor.objects.filter(channel__in=there).exclude(trouble="").select_related("channel")
    channels = {each.channel_id: each for each in unread.order_by("channel__name", "kind")[:100]}
    silent = [
        Waiting(
            f"{each.channel.name} is not being read",
            each.trouble,
            f"/channels/{each.channel_id}/",
            "See the channel",
            tone="risk",
            kind=SILENT,
        )
        for each in channels.values()
    ]
    return [*silent, *_unsettled(Q(channel__in=there), ("unknown", *NEEDS_SOMEBODY))]


def _mine(person: Person) -> QuerySet[Conversation]:
    """What they are asked to answer; of a channel whose right they lost since they read nothing any more."""
    there = channels_with(person, "answer").values("pk")
    return Conversation.objects.filter(assigned_to=person, state="open", waiting_since__isnull=False, channel__in=there)


def _seen(conversations: QuerySet[Conversation], until: str) -> tuple | None:
    """All that thread() shows of one conversation and can change, small, in one query."""
    said, in_sight = _said(OuterRef("pk"), until), _in_sight(OuterRef("pk"))
    return conversations.values_list(
        "state",
        "assigned_to",
        ArraySubquery(said.values(row=JSONObject(pk="pk", version="version", deleted="deleted_at", reply="reply"))),
        ArraySubquery(in_sight.values(row=JSONObject(pk="pk", state="state", reason="reason", tries="tries"))),
    ).first()


def _said(conversation: Conversation | OuterRef, until: str) -> QuerySet[Message]:
    """One page of messages, the latest first, and one more where there are earlier ones."""
    said = Message.objects.filter(conversation=conversation)
    if place := place_of(until):
        said = said.filter(Q(at__lt=place[0]) | Q(at=place[0], pk__lte=place[1]))
    return said.order_by("-at", "-pk")[: MESSAGES + 1]


def _in_sight(conversation: Conversation | OuterRef) -> QuerySet[Reply]:
    return Reply.objects.filter(conversation=conversation, state__in=IN_SIGHT).order_by("pk")


def _unsettled(where: Q, states: tuple[str, ...]) -> list[Waiting]:
    replies = Reply.objects.filter(where, state__in=states).select_related("conversation__contact", "channel")
    return [
        Waiting(
            f"Your answer to {each.conversation.contact} {WORDS[each.state]}",
            f"“{each.text[:80]}” · {each.channel.name}. {each.reason}",
            reverse("conversation", args=[each.conversation_id]),
            "Look and decide",
            tone=TONES.get(each.state, "risk"),
            kind=MANY[each.state],
        )
        for each in replies.order_by("due_at")[:50]
    ]


def _in_view(view: str, person: Person) -> Q:
    if view == "mine":
        return Q(assigned_to=person, state="open")
    if view == "unassigned":
        return Q(assigned_to=None, state="open")
    return Q(state=view)


def _stamp(rows: Iterable[Any]) -> str:
    """Changes when what is shown changes."""
    return hashlib.sha256(repr(list(rows)).encode()).hexdigest()[:12]


def open_there(channel: Channel) -> Pointing:
    """What still points at a channel that is to go: conversations that somebody waits in. One query."""
    waiting = Conversation.objects.filter(channel=channel).exclude(state="resolved")
    return Pointing("conversations that are not resolved", waiting.count(), f"{reverse('inbox')}?channel={channel.pk}")
