"""Imports, as they are shown; and which posts the rows of one mean."""

import re
from collections.abc import Iterable, Mapping

from django.db.models import Exists, OuterRef, Prefetch

from accounts.models import Person
from publishing.models import ImportRow, Post, Publication, Variant
from publishing.permissions import visible_posts
from publishing.queries.wishes import Wish

OURS = re.compile(r"post-(\d{1,17})")


class Meant:
    """The posts that rows mean, fetched once for many of them: named by our own key, or made of a file before."""

    def __init__(self, person: Person, wishes: Iterable[Wish]):
        wishes = [wish for wish in wishes if not wish.problems]
        self.person = person
        before = ImportRow.objects.filter(post__isnull=False, identity__in={w.identity(person) for w in wishes})
        rows = before.order_by("id").values_list("identity", "post", "digest")
        self.before: dict[str, tuple[int, str]] = {identity: (post, digest) for identity, post, digest in rows}
        named = {pk for wish in wishes if (pk := self.named(wish))} | {pk for pk, _ in self.before.values()}
        self.posts = fetched(person, named)
        self.learned: set[int] = set()  # to be fetched when another row means them too

    @staticmethod
    def named(wish: Wish) -> int | None:
        ours = OURS.fullmatch(wish.key)
        return int(ours[1]) if ours else None

    def of(self, wish: Wish) -> tuple[Post | None, bool, str]:
        """The post; whether this very row was imported before; why the row is refused ("" if it is not)."""
        if pk := self.named(wish):
            post = self.posts.get(pk)
            return (
                post,
                False,
                "" if post else f"There is no post {pk} that you may see. Empty the key for a new one.",
            )
        pk, digest = self.before.get(wish.identity(self.person), (0, ""))
        if pk in self.learned:
            self.posts |= fetched(self.person, [pk])
        post = self.posts.get(pk)
        if pk and post is None:
            return None, False, "This key belongs to a post that you may not see any more. Use another."
        return post, digest == wish.digest(), ""

    def learn(self, wish: Wish, post: Post) -> None:
        """Of a row that has just been imported."""
        self.before[wish.identity(self.person)] = (post.pk, wish.digest())
        self.learned.add(post.pk)


def fetched(person: Person, pks: Iterable[int]) -> dict[int, Post]:
    """The posts that this person may see, by id, with `shown` (current variants), embargo, `planned`. Two queries."""
    current = Variant.objects.current().select_related("channel")
    planned = Publication.objects.filter(variant__post=OuterRef("pk")).exclude(state="cancelled")
    posts = visible_posts(person).filter(pk__in=list(pks)).select_related("campaign", "embargo")
    posts = posts.annotate(planned=Exists(planned))
    return {post.pk: post for post in posts.prefetch_related(Prefetch("variants", current, to_attr="shown"))}


def changes(post: Post, wish: Wish) -> list[str]:
    """The fields in which the row says something else than the post does."""
    own = {v.channel_id: _lines(v.text) for v in post.shown}
    shown = [each["asset"] for v in post.shown for each in v.media]
    differs: Mapping[str, bool] = {
        "text": not wish.given.isdisjoint({"text", "link"}) and wish.text != _lines(post.text),
        "channels": {c.pk for c in wish.channels} != set(own),
        "own text": any(text != own.get(pk) for pk, text in wish.own.items()),
        "title": bool(wish.title) and wish.title != post.title,
        "why now": "why_now" in wish.given and wish.why_now != " ".join(post.why_now.split()),
        "time": wish.timed and wish.at != post.wanted_at,
        "campaign": "campaign" in wish.given and wish.campaign != post.campaign,
        "tags": "tags" in wish.given and sorted(wish.tags) != sorted(post.tags),
        "picture": wish.asset is not None and wish.asset.pk not in shown,
    }
    return [name for name, differ in differs.items() if differ]


def against_change(post: Post) -> str:
    """Why a file does not change this post; "" if it may."""
    if post.state == Post.State.IN_APPROVAL:
        return "Somebody is asked about this post, so a file does not change it. Withdraw that request first."
    if post.state == Post.State.APPROVED:
        return "This post is approved, so a file does not change it. Change it on its own page."
    if post.planned:
        return "This post is scheduled or out, so a file does not change it. Change it on its own page."
    return ""


def _lines(text: str | None) -> str | None:
    return None if text is None else text.replace("\r\n", "\n").replace("\r", "\n")
