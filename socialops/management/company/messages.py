"""What customers wrote in the last weeks, and what was answered."""

from datetime import datetime, timedelta
from random import Random

from django.db.models import F, Max

from channels_registry.models import Channel
from inbox.models import Contact, Conversation, Message
from socialops.management.company import words

OPEN_SHARE = 0.04  # of all conversations; the rest were answered and resolved


def receive(random: Random, channels: list[Channel], now: datetime, count: int = 10_000) -> None:
    """`count` messages in conversations of two to six."""
    contacts = _contacts(random, channels)
    conversations, messages = [], []
    while len(messages) < count:
        contact = random.choice(contacts)
        channel = contact.writes_to
        length = min(random.randint(2, 6), count - len(messages))
        begun = now - timedelta(minutes=random.randint(30, 45 * 24 * 60))
        conversation = Conversation(
            channel=channel,
            contact=contact,
            thread_id=f"history-{len(conversations)}",
            kind=random.choice(["comment", "mention", "direct"]),
            opened_at=begun,
            last_message_at=begun,
            assigned_to=random.choice([None, channel.owner, channel.backup_owner]),
        )
        conversations.append(conversation)
        messages += _thread(random, conversation, begun, length, now)
    Contact.objects.bulk_create(contacts)
    Conversation.objects.bulk_create(conversations, batch_size=1000)
    Message.objects.bulk_create(messages, batch_size=1000)
    answered = [c.pk for c in conversations if random.random() > OPEN_SHARE]
    Conversation.objects.filter(pk__in=answered).update(
        state="resolved",
        waiting_since=None,
        resolved_at=F("last_message_at") + timedelta(hours=1),
        handled_to=Message.objects.aggregate(Max("pk"))["pk__max"],
    )


def _contacts(random: Random, channels: list[Channel]) -> list[Contact]:
    contacts = []
    for number, channel in enumerate(random.choices(channels, k=900)):
        handle = words.customer(random)
        contact = Contact(
            network=channel.network, remote_id=f"history-{number}", handle=f"@{handle}", name=handle.title()
        )
        contact.writes_to = channel
        contacts.append(contact)
    return contacts


def _thread(random: Random, conversation: Conversation, begun: datetime, length: int, now: datetime) -> list[Message]:
    messages = []
    at = begun
    for number in range(length):
        ours = number % 2 == 1
        text = words.answer(random) if ours else words.ask(random)
        messages.append(
            Message(
                conversation=conversation,
                channel=conversation.channel,
                remote_id=f"{conversation.thread_id}-{number}",
                direction="out" if ours else "in",
                author_handle="" if ours else conversation.contact.handle,
                text=text,
                at=at,
            )
        )
        conversation.last_message_at = at
        conversation.waiting_since = None if ours else at
        at = min(at + timedelta(minutes=random.randint(3, 400)), now - timedelta(minutes=1))
    conversation.subject = messages[0].text[:160]
    conversation.preview = messages[-1].text[:160]
    return messages
