"""What the sandbox tells those who listen: signed, in order, and again until it is taken."""

import asyncio

import pytest
from aiohttp import web

from channels_registry.connector.errors import Refused
from tests.sandbox.shop import it


@pytest.fixture
async def listener():
    """Our side of the webhooks: (headers, body) of each, and `answers` to give."""
    received, answers = [], []

    async def hear(request):
        received.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        return web.Response(status=answers.pop(0) if answers else 200)

    runner = web.ServerRunner(web.Server(hear), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook", received, answers
    await runner.cleanup()


async def told(received, count):
    for _ in range(300):
        if len(received) >= count:
            return received[count - 1]
        await asyncio.sleep(0.02)
    raise AssertionError("no webhook came")


async def test_webhooks_are_signed_and_read_as_messages(sandbox, access, listener):
    url, received, _ = listener
    sandbox.webhook(access.remote_id, url, "s3cret")
    said = sandbox.say(access.remote_id, "Is it vegan?")
    headers, body = await told(received, 1)
    assert it.verify(headers, body, "s3cret")
    (message,) = it.parse(body)
    (polled,) = (await it.fetch(access, "mentions", "")).messages
    assert message == polled
    sandbox.edit(said["id"], "Is it really vegan?")
    edited = it.parse((await told(received, 2))[1])[0]
    sandbox.delete(said["id"])
    deleted = it.parse((await told(received, 3))[1])[0]
    assert [(each.version, each.deleted) for each in (message, edited, deleted)] == [(0, False), (1, False), (2, True)]


async def test_a_forged_or_old_webhook_is_not_believed(sandbox, access, listener):
    url, received, _ = listener
    sandbox.webhook(access.remote_id, url, "s3cret")
    sandbox.say(access.remote_id, "Hello")
    headers, body = await told(received, 1)
    old = {**headers, "x-sandbox-timestamp": str(int(headers["x-sandbox-timestamp"]) - 3600)}
    assert not it.verify(headers, body + b" ", "s3cret")
    assert not it.verify(headers, body, "other")
    assert not it.verify(headers, body, "")
    assert not it.verify(old, body, "s3cret")
    assert not it.verify({}, body, "s3cret")
    assert not it.verify({**headers, "x-sandbox-signature": "sha256=ü"}, body, "s3cret")


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b'{"comment": 1}', b"[" * 100_000])
def test_a_webhook_that_cannot_be_read_is_refused(body):
    with pytest.raises(Refused):
        it.parse(body)


async def test_a_webhook_is_brought_again_until_it_is_taken(sandbox, access, listener):
    url, received, answers = listener
    answers.extend([500, 503])
    sandbox.webhook(access.remote_id, url, "s3cret")
    sandbox.say(access.remote_id, "Hello")
    await told(received, 3)
    assert len({body for _, body in received}) == 1
