"""Publications ready to go, in bulk: channels connected to a sandbox, alice answering, bob's approval.

Made row by row without the verbs, because delivery is tested apart from drafting and approving, and by the thousand.
"""

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from channels_registry import sealing
from channels_registry.models import AccessGrant, Channel, Connection
from publishing.models import Approval, ApprovalStage, Ask, Decision, Post, Publication, Revision, Variant
from tests import factories

_number = itertools.count(1)


@dataclass
class World:
    """`channels` with their live connections; `publish` makes due publications, round robin over the channels."""

    url: str
    facts: dict[str, Any]
    channels: list[Channel] = field(default_factory=list)
    alice: Any = None
    bob: Any = None

    def publish(self, count: int, due: datetime | None = None, **more: Any) -> list[Publication]:
        due = due or timezone.now()
        posts = Post.objects.bulk_create(
            Post(title=f"Post {n}", text=f"Text {n}", author=self.alice, state="draft", revision_number=1)
            for n in itertools.islice(_number, count)
        )
        variants = Variant.objects.bulk_create(
            Variant(post=post, channel=self.channels[n % len(self.channels)]) for n, post in enumerate(posts)
        )
        revisions = Revision.objects.bulk_create(
            Revision(post=post, number=1, by=self.alice, content={"text": post.text}, hash=f"{post.pk:064d}")
            for post in posts
        )
        approvals = Approval.objects.bulk_create(
            Approval(post=post, revision=revision, asked_by=self.alice, asked_at=due)
            for post, revision in zip(posts, revisions, strict=True)
        )
        self._agree(approvals)
        Approval.objects.filter(pk__in=[approval.pk for approval in approvals]).update(state="approved")
        wishes = {"due_at": due, "next_attempt_at": due, "wall_time": due, "time_zone": "UTC", **more}
        return Publication.objects.bulk_create(
            Publication(
                variant=variant, channel=variant.channel, approval=approval, revision=revision, text=post.text,
                content_hash=revision.hash, answerable=self.alice, **wishes,
            )
            for post, variant, revision, approval in zip(posts, variants, revisions, approvals, strict=True)
        )  # fmt: skip

    def _agree(self, approvals: list[Approval]) -> None:
        """One stage each, at which bob agrees."""
        stages = ApprovalStage.objects.bulk_create(
            ApprovalStage(approval=approval, name="Facts", remit="facts", covers=["text"]) for approval in approvals
        )
        asks = Ask.objects.bulk_create(Ask(stage=stage, person=self.bob) for stage in stages)
        rows = ApprovalStage.objects.filter(pk__in=[stage.pk for stage in stages])
        rows.update(state="pending")
        _analyze()
        Decision.objects.bulk_create(
            Decision(
                approval=ask.stage.approval, stage=ask.stage, ask=ask, by=self.bob, author=self.alice,
                verdict="approved", revision_hash=ask.stage.approval.revision.hash,
            )
            for ask in asks
        )  # fmt: skip
        _analyze()
        rows.update(state="approved")


def _analyze() -> None:
    """By the thousand, what checks each row must not be planned for empty tables."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE publishing_post, publishing_revision, publishing_approval, publishing_approvalstage")
        cursor.execute("ANALYZE publishing_ask, publishing_decision")


def world(control: Any, channels: int = 1, key: bool = True, lookup: bool = True) -> World:
    """Channels on a running sandbox. `key` and `lookup` are what the server promises, and are promised there, too."""
    control.promise(key=key, lookup=lookup)
    made = World(control.url, {"key": key, "lookup": lookup, "text": 500})
    made.alice, made.bob = factories.person("alice"), factories.person("bob")
    wishes = [{"handle": f"acme{next(_number)}", "name": "Acme"} for _ in range(channels)]
    for account in control.accounts(wishes):
        made.channels.append(_connected(made, account))
    return made


def _connected(made: World, account: dict[str, Any]) -> Channel:
    channel = Channel.objects.create(
        network="sandbox", handle=account["handle"], name=account["name"], owner=made.bob, remote_id=account["id"]
    )
    AccessGrant.objects.create(
        channel=channel, person=made.alice, door="right", entitlement="publisher", granted_by=made.bob,
        starts_at=timezone.now() - timedelta(days=1),
    )  # fmt: skip
    connection = Connection.objects.create(
        channel=channel, state="pending", fields={"base_url": made.url}, remote_id=account["id"], sealed_secrets=b"",
        handle=account["handle"], scopes=["manage"], facts=made.facts, authorised_by=made.bob,
    )  # fmt: skip
    sealing.seal(connection, {"token": account["token"]})
    connection.state, connection.proven_at = "live", Now()
    connection.save()
    return channel
