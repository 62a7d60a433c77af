"""A month of 3,000 posts on 20 channels, asked through the WSGI application; then with 100 times the rows around."""

import gzip
import logging
import time
from datetime import UTC, datetime, timedelta
from io import BytesIO

from tests.benchmarks import ground

POSTS, CHANNELS, AROUND, REQUESTS, BATCH = 3_000, 20, 300_000, 60, 10_000
MONTH = datetime(2027, 5, 1, tzinfo=UTC)
PATH = "/calendar/"
QUERY = "view=month&from=2027-05-01"


def run(rounds: int = 1) -> None:
    ground.prepare()
    from socialops.wsgi import application
    from tests import factories

    logging.disable(logging.INFO)

    world = _world()
    cookie = factories.signed_in(world.alice).cookies["session"].value
    month = [MONTH + timedelta(seconds=n * 31 * 86_400 // POSTS) for n in range(POSTS)]
    _fill(world, month)
    alone = _measured(application, cookie, rounds)
    before = [MONTH - timedelta(days=1 + n % 700, seconds=n) for n in range(AROUND // 2)]
    after = [MONTH + timedelta(days=32 + n % 700, seconds=n) for n in range(AROUND // 2)]
    _fill(world, before + after)
    crowded = _measured(application, cookie, rounds)
    rows = [("3,000 in the month", *alone.values()), ("and 300,000 around it", *crowded.values())]
    print(ground.table(("rows", "p50_ms", "p95_ms", "queries", "kb"), rows))
    figures = {name: crowded[name] for name in ("p95_ms", "queries", "kb")}
    ground.result("calendar", {}, figures | {"p95_ms_alone": alone["p95_ms"], "kb_alone": alone["kb"]})


def _world():
    from channels_registry.models import AccessGrant, Channel
    from tests import factories
    from tests.deliveries import World

    world = World("", {}, alice=factories.person("alice", "social_lead"), bob=factories.person("bob"))
    for n in range(CHANNELS):
        channel = factories.channel("sandbox", name=f"Channel {n}")
        factories.grant(channel, world.alice, "publisher")
        world.channels.append(channel)
    assert Channel.objects.count() == AccessGrant.objects.count() == CHANNELS
    return world


def _fill(world, moments: list[datetime]) -> None:
    """As many posts as there are moments, each scheduled for one, all under one approval."""
    from django.db import connection

    from publishing.models import Post, Publication, Variant

    (one,) = world.publish(1, datetime(2040, 1, 1, tzinfo=UTC))
    for begin in range(0, len(moments), BATCH):
        there = moments[begin : begin + BATCH]
        posts = Post.objects.bulk_create(
            Post(title=f"A post about what is new, number {begin + n}", text="Text", author=world.alice)
            for n in range(len(there))
        )
        variants = Variant.objects.bulk_create(
            Variant(post=post, channel=world.channels[n % CHANNELS]) for n, post in enumerate(posts)
        )
        Publication.objects.bulk_create(
            Publication(
                variant=variant, channel=variant.channel, approval=one.approval, revision=one.revision, text="Text",
                content_hash=one.content_hash, answerable=world.alice, due_at=at, next_attempt_at=at, wall_time=at,
                time_zone="UTC",
            )
            for variant, at in zip(variants, there, strict=True)
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _measured(application, cookie: str, rounds: int) -> dict[str, float]:
    from django.db import connection

    for _ in range(5):
        body = _ask(application, cookie)
    assert body.count(b'class="slot') > 100, body[:2000]
    assert f"{POSTS} this month".encode() in body
    asked: list[str] = []
    with connection.execute_wrapper(lambda run, sql, *more: asked.append(sql) or run(sql, *more)):
        _ask(application, cookie)
    took = []
    for _ in range(REQUESTS * rounds):
        begun = time.perf_counter()
        _ask(application, cookie)
        took.append((time.perf_counter() - begun) * 1000)
    took.sort()
    return {
        "p50_ms": round(took[len(took) // 2], 1), "p95_ms": round(took[int(len(took) * 0.95)], 1),
        "queries": len(asked), "kb": round(len(gzip.compress(body, 6)) / 1024, 1),
    }  # fmt: skip


def _ask(application, cookie: str) -> bytes:
    said = {}
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": PATH, "QUERY_STRING": QUERY, "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "HTTP_HOST": "localhost", "HTTP_COOKIE": f"session={cookie}", "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(), "REMOTE_ADDR": "127.0.0.1",
    }  # fmt: skip
    answer = application(environ, lambda status, headers: said.update(status=status, headers=headers))
    body = b"".join(answer)
    answer.close()
    assert said["status"].startswith("200"), (said, body[:500])
    return body
