"""What customers say, as connectors tell it."""

from datetime import UTC, datetime, timedelta

from channels_registry.connector.types import InboundMessage

NINE = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def said(remote_id: str, text: str = "Is the store open?", *, minute: int = 0, author: str = "marie", **more):
    """A comment by a customer, `minute` minutes after nine, in one thread an author unless said otherwise."""
    told = {
        "remote_id": remote_id,
        "thread_id": f"post-1:{author}",
        "kind": "comment",
        "author_id": f"id-{author}",
        "author_handle": author,
        "author_name": author.title(),
        "text": text,
        "at": NINE + timedelta(minutes=minute),
        "reply_to": {"comment": remote_id},
    }
    return InboundMessage(**{**told, **more})
