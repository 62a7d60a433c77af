"""A month of posts that went out, each approved by somebody else as it had to be."""

import hashlib
import json
from datetime import datetime, timedelta
from random import Random

from django.db import connection
from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat

from accounts.models import Person
from channels_registry.models import Channel
from publishing.models import (
    Approval,
    ApprovalStage,
    Ask,
    Campaign,
    Decision,
    Post,
    Publication,
    PublicationAttempt,
    Revision,
    Variant,
)  # fmt: skip
from publishing.models.approval import covers_of
from socialops.management.company import campaigns, words

BUSY_CHANNELS = 60


def write(
    random: Random, people: dict[str, Person], channels: list[Channel], now: datetime, belongs: list[Campaign],
    count: int = 2500,
) -> None:  # fmt: skip
    """`count` publications within the month of `now`, already out; one post each, some of a campaign."""
    authors = [people["alice"], people["dana"], *[p for key, p in people.items() if "." in key][:10]]
    approvers = [people["bob"], people["hana"], people["gina"]]
    begin = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    span = max(int((now - begin).total_seconds()) - 3600, 86_400)
    busy = random.sample(channels, min(BUSY_CHANNELS, len(channels)))
    posts, variants, revisions, approvals, asks, publications = [], [], [], [], [], []
    chance = Random(count)  # noqa: S311 (a believable company, not a secret)
    for _ in range(count):
        title, text = words.post(random)
        channel, author, approver = random.choice(busy), random.choice(authors), random.choice(approvers)
        at = begin + timedelta(seconds=random.randrange(span) // 300 * 300)
        post = Post(title=title, text=text, author=author, revision_number=1, **campaigns.some(chance, belongs))
        variant = Variant(post=post, channel=channel)
        revision = _revision(post, channel, author)
        approval = Approval(post=post, revision=revision, asked_by=author)
        posts.append(post)
        variants.append(variant)
        revisions.append(revision)
        approvals.append(approval)
        stage = ApprovalStage(approval=approval, name="Facts", remit="facts", covers=covers_of("facts"), anyone=True)
        asks.append(Ask(stage=stage, person=approver))
        publications.append(_publication(variant, approval, author, at))
    Post.objects.bulk_create(posts, batch_size=1000)
    Variant.objects.bulk_create(variants, batch_size=1000)
    Revision.objects.bulk_create(revisions, batch_size=1000)
    Approval.objects.bulk_create(approvals, batch_size=1000)
    with connection.cursor() as cursor:  # the triggers ask these tables; without statistics that takes a minute
        cursor.execute("ANALYZE publishing_post, publishing_revision, publishing_approval, publishing_variant")
    _agreed(asks)
    Publication.objects.bulk_create(publications, batch_size=1000)
    _lived_through(posts, approvals, publications)


def _agreed(asks: list[Ask]) -> None:
    """Each of them at the one stage of their request."""
    stages = [ask.stage for ask in asks]
    ApprovalStage.objects.bulk_create(stages, batch_size=1000)
    Ask.objects.bulk_create(asks, batch_size=1000)
    rows = ApprovalStage.objects.filter(pk__in=[stage.pk for stage in stages])
    rows.update(state="pending")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE publishing_approvalstage, publishing_ask")
    Decision.objects.bulk_create([_decision(ask) for ask in asks], batch_size=1000)
    rows.update(state="approved")


def _decision(ask: Ask) -> Decision:
    approval = ask.stage.approval
    return Decision(
        approval=approval, stage=ask.stage, ask=ask, by=ask.person, author=approval.post.author, verdict="approved",
        revision_hash=approval.revision.hash, parts=ask.stage.covered(approval.revision.parts),
    )  # fmt: skip


def _revision(post: Post, channel: Channel, by: Person) -> Revision:
    content = {"text": post.text, "variants": [{"channel": channel.pk, "placement": "feed", "text": post.text}]}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return Revision(post=post, number=1, by=by, content=content, parts={"text": digest}, hash=digest)


def _publication(variant: Variant, approval: Approval, answerable: Person, at: datetime) -> Publication:
    return Publication(
        variant=variant,
        channel=variant.channel,
        approval=approval,
        revision=approval.revision,
        text=variant.post.text,
        content_hash=approval.revision.hash,
        answerable=answerable,
        due_at=at,
        next_attempt_at=at,
        wall_time=at,
        time_zone="UTC",
    )


def _lived_through(posts: list[Post], approvals: list[Approval], publications: list[Publication]) -> None:
    """Every row takes the same steps as in life, since the database allows no other; only without the waiting."""
    ids = [post.pk for post in posts]
    Post.objects.filter(pk__in=ids).update(state="in_approval")
    Approval.objects.filter(pk__in=[approval.pk for approval in approvals]).update(state="approved")
    Post.objects.filter(pk__in=ids).update(state="approved")
    rows = Publication.objects.filter(pk__in=[publication.pk for publication in publications])
    rows.update(state="sending", fence=1, tries=1, lease_until=F("due_at") + timedelta(minutes=2))
    PublicationAttempt.objects.bulk_create(
        [
            PublicationAttempt(
                delivery=p,
                fence=1,
                started_at=p.due_at,
                deadline_at=p.due_at + timedelta(seconds=30),
                outcome="accepted",
                http_status=200,
                settled_at=p.due_at + timedelta(seconds=1),
                bytes_sent=True,
            )
            for p in publications
        ],
        batch_size=1000,
    )
    remote_id = Concat(Value("history-"), Cast("pk", CharField()))
    rows.update(state="done", lease_until=None, remote_id=remote_id, settled_at=F("due_at") + timedelta(seconds=1))
