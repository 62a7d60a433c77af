"""The one question after a failure: may something exist over there? Each way a request can fail has one answer."""

import asyncio
import contextlib
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from channels_registry.connector.answers import wait_in
from channels_registry.connector.errors import Disconnected, OutcomeUnknown, Refused, TryLater
from channels_registry.connector.exchange import Line
from channels_registry.connector.http import Http
from tests.networks.peers import LOOPBACK
from tests.servers import free_port


@pytest.fixture
async def hasty():
    """The same client in a hurry: a connection within 0.1 s, an answer within 0.6 s."""
    async with Http(allow=LOOPBACK, pace=0.02) as made:
        yield made


@contextlib.asynccontextmanager
async def peer_that(does):
    """A server that reads one request and then does something with (reader, writer)."""

    async def talk(reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await does(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    server.close()


async def create(http, url):
    answer = await http.request("POST", url, json={"text": "Hello"}, creates=True)
    return answer.read(lambda value: value["id"])


async def read(http, url):
    answer = await http.request("GET", url)
    return answer.read(lambda value: value["id"])


async def fails(http, url) -> tuple[type, type]:
    """How a create and a read fail there."""
    with pytest.raises(Exception) as creating:
        await create(http, url)
    with pytest.raises(Exception) as reading:
        await read(http, url)
    return creating.type, reading.type


# Nothing was sent


async def test_a_port_where_nobody_listens_has_taken_nothing(http):
    assert await fails(http, f"http://127.0.0.1:{free_port()}/") == (TryLater, TryLater)


async def test_a_name_that_nobody_has_has_taken_nothing():
    class Nobody(aiohttp.ThreadedResolver):
        async def resolve(self, *_):
            raise OSError("no such name")

    async with Http(resolver=Nobody()) as http:
        assert await fails(http, "https://shop.example/") == (TryLater, TryLater)


async def test_a_connection_that_is_not_made_in_time_has_taken_nothing(hasty):
    with socket.socket() as full, contextlib.ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # more than its queue holds, so that the next one hangs
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        assert await fails(hasty, f"http://127.0.0.1:{full.getsockname()[1]}/") == (TryLater, TryLater)


async def test_a_server_without_tls_has_taken_nothing(http_server, http):
    assert await fails(http, http_server.url.replace("http:", "https:")) == (TryLater, TryLater)
    assert http_server.requests == []


async def test_a_request_that_waits_for_a_free_connection_was_not_sent():
    async def silence(reader, writer):
        await asyncio.sleep(5)

    async with peer_that(silence) as url, Http(allow=LOOPBACK, limit=1) as http:
        first, second = (asyncio.create_task(create(http, url)) for _ in range(2))
        await asyncio.sleep(0.1)
        second.cancel()
        with pytest.raises(TryLater):
            await second
        first.cancel()
        with pytest.raises(OutcomeUnknown):
            await first


# It was sent, and nobody knows


async def silence(reader, writer):
    await asyncio.sleep(5)


async def hang_up(reader, writer):
    pass


async def half_a_head(reader, writer):
    writer.write(b"HTTP/1.1 201 Crea")
    await writer.drain()


async def half_a_body(reader, writer):
    writer.write(b'HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"id": "1"')
    await writer.drain()


async def a_slow_body(reader, writer):
    writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def garbage(reader, writer):
    writer.write(b"\x00\x01\x02 what is this\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize("does", [silence, hang_up, half_a_head, half_a_body, a_slow_body, garbage])
async def test_after_a_lost_answer_a_create_is_unknown_and_a_read_may_be_repeated(hasty, does):
    async with peer_that(does) as url:
        assert await fails(hasty, url) == (OutcomeUnknown, TryLater)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
async def test_a_server_error_proves_nothing(http_server, http, status):
    http_server.answers = {"/": (status, {"error": "oops"})}
    assert await fails(http, http_server.url) == (OutcomeUnknown, TryLater)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"id": ', b"[]", b'{"other": 1}', b"null", b"[" * 100_000, b"\xff\xfe"]
)
async def test_an_answer_of_success_that_cannot_be_read_proves_nothing(http_server, http, body):
    async def answer(request):
        return web.Response(body=body, status=201)

    http_server.answers = {"/": answer}
    assert await fails(http, http_server.url) == (OutcomeUnknown, TryLater)


async def test_a_body_without_end_is_cut_off(http_server):
    async def flood(request):
        return web.Response(body=b'{"id": "1"}' + b" " * 2_000_000)

    http_server.answers = {"/": flood}
    async with Http(allow=LOOPBACK, largest_body=100_000) as http:
        assert await fails(http, http_server.url) == (OutcomeUnknown, TryLater)


async def test_a_small_packed_body_that_unpacks_without_end_is_cut_off(http_server):
    async def bomb(request):
        answer = web.Response(body=b'{"id": "1"}' + b" " * 50_000_000)
        answer.enable_compression(force=web.ContentCoding.gzip)
        return answer

    http_server.answers = {"/": bomb}
    async with Http(allow=LOOPBACK, largest_body=1_000_000) as http:
        assert await fails(http, http_server.url) == (OutcomeUnknown, TryLater)


async def test_an_aborted_create_is_unknown_and_an_aborted_read_is_just_over(http):
    async with peer_that(silence) as url:
        creating, reading = asyncio.create_task(create(http, url)), asyncio.create_task(read(http, url))
        await asyncio.sleep(0.1)
        for task in (creating, reading):
            task.cancel()
        with pytest.raises(OutcomeUnknown):
            await creating
        with pytest.raises(asyncio.CancelledError):
            await reading


async def test_closing_the_client_ends_what_is_in_flight(http):
    async with peer_that(silence) as url:
        creating = asyncio.create_task(create(http, url))
        await asyncio.sleep(0.1)
        await http.close()
        with pytest.raises(OutcomeUnknown):
            await asyncio.wait_for(creating, 2)


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
async def test_nothing_is_repeated_when_a_kept_connection_breaks(http, method):
    arrived = []

    async def talk(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                arrived.append(1)
                if len(arrived) == 2:
                    break
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.transport.abort()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    await http.request(method, url)
    with pytest.raises(OutcomeUnknown):
        await http.request(method, url, creates=True)
    server.close()
    assert len(arrived) == 2


async def test_what_a_server_said_unasked_is_not_taken_for_the_next_answer(http):
    requests = []

    async def talk(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                requests.append(await reader.readuntil(b"\r\n\r\n"))
                number = len(requests)
                writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"id": "%d"}' % number)
                await asyncio.sleep(0.05)
                writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"id": "x"}')

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    answers = []
    for _ in range(3):
        answers.append(await read(http, url))
        await asyncio.sleep(0.1)
    server.close()
    assert answers == ["1", "2", "3"]


async def test_a_hint_before_the_answer_is_no_answer(http):
    async def hint(reader, writer):
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        writer.write(b'HTTP/1.1 201 Created\r\nContent-Length: 11\r\n\r\n{"id": "1"}')
        await writer.drain()

    async with peer_that(hint) as url:
        assert await create(http, url) == "1"


async def test_a_server_that_does_not_hear_us_out_is_not_spoken_to_on_that_connection(http):
    heads = []

    async def talk(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            head = await reader.readuntil(b"\r\n\r\n")
            heads.append(head.partition(b"\r\n")[0])
            status = b"413 Too Large" if head.startswith(b"POST") else b"200 OK"
            writer.write(b'HTTP/1.1 %s\r\nContent-Length: 11\r\n\r\n{"id": "1"}' % status)
            await asyncio.sleep(5)

    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=1024)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    with pytest.raises(Refused):
        await http.request("POST", url, data=b"x" * 20_000_000, creates=True)
    assert await read(http, url) == "1"
    server.close()
    assert heads == [b"POST / HTTP/1.1", b"GET / HTTP/1.1"]


class Unread:
    """A protocol on which a server has spoken before it was asked."""

    should_close = True


class Speaking:
    """In place of aiohttp's connector: each of its connections is new, and something on it is unread."""

    made = 0

    async def connect(self, wish, traces, timeout):
        self.made += 1
        await asyncio.sleep(0)
        return SimpleNamespace(protocol=Unread(), close=lambda: None)


async def test_a_server_that_speaks_first_is_not_asked_and_not_connected_to_again():
    speaking = Speaking()
    line = Line(speaking, aiohttp.ClientTimeout(total=1), 1000)
    with pytest.raises(aiohttp.ClientConnectionError):
        await asyncio.wait_for(line.connect(URL("http://127.0.0.1/")), 1)
    assert speaking.made == 1


# The network said no


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 413, 422])
async def test_a_refusal_carries_the_networks_words(http_server, http, status):
    http_server.answers = {"/": (status, {"error": "TooLong", "message": "At most 300 letters."})}
    assert await fails(http, http_server.url) == (Refused, Refused)
    with pytest.raises(Refused) as caught:
        await create(http, http_server.url)
    assert "At most 300 letters." in caught.value.reason
    assert (caught.value.status, "TooLong" in caught.value.detail) == (status, True)


@pytest.mark.parametrize("seconds", [0, 5])
async def test_a_refusal_whose_words_are_cut_off_or_come_too_late_is_a_refusal_all_the_same(hasty, seconds):
    async def half_a_no(reader, writer):
        writer.write(b'HTTP/1.1 422 No\r\nContent-Length: 100\r\n\r\n{"error": "x')
        await writer.drain()
        await asyncio.sleep(seconds)

    async with peer_that(half_a_no) as url:
        assert await fails(hasty, url) == (Refused, Refused)


async def test_an_unknown_token_is_a_lost_connection(http_server, http):
    http_server.answers = {"/": (401, {"error": "invalid_token"})}
    assert await fails(http, http_server.url) == (Disconnected, Disconnected)


@pytest.mark.parametrize(
    ("status", "outcome"), [(301, OutcomeUnknown), (303, OutcomeUnknown), (307, Refused), (308, Refused)]
)
async def test_a_redirected_create_may_have_happened_unless_it_says_to_send_it_again(
    http_server, http, status, outcome
):
    http_server.answers = {"/": (status, {})}
    assert await fails(http, http_server.url) == (outcome, Refused)


async def test_a_network_may_read_its_own_refusals(http_server, http):
    http_server.answers = {"/": (400, {"error": "ExpiredToken"})}
    with pytest.raises(Disconnected):
        await http.request("GET", http_server.url, judge=lambda answer: Disconnected("Run out."))


# The network asks us to wait

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DATE = format_datetime(NOON, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "17"}, 17.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": format_datetime(NOON + timedelta(seconds=90), usegmt=True), "date": DATE}, 90.0),
        ({"ratelimit-reset": str(int(NOON.timestamp()) + 30), "date": DATE}, 30.0),
        ({"x-ratelimit-reset": (NOON + timedelta(minutes=5)).isoformat(), "date": DATE}, 300.0),
        ({"ratelimit-reset": "12"}, 12.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "99999999"}, 86400.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
async def test_how_long_is_read_in_every_dialect(http_server, http, headers, seconds):
    assert wait_in(headers) == seconds

    async def slow_down(request):
        return web.Response(status=429, headers=headers)

    http_server.answers = {"/": slow_down}
    with pytest.raises(TryLater) as caught:
        await create(http, http_server.url)
    assert caught.value.after == seconds


# How it runs


@pytest.mark.parametrize(
    ("wish", "kind", "content"),
    [
        ({"json": {"a": "é"}}, "application/json", b'{"a": "\\u00e9"}'),
        ({"data": {"a": "é&", "b": "2"}}, "application/x-www-form-urlencoded", b"a=%C3%A9%26&b=2"),
        ({"data": b"\x00\xff", "headers": {"Content-Type": "image/png"}}, "image/png", b"\x00\xff"),
        ({}, None, b""),
    ],
)
async def test_a_request_says_what_it_carries(http_server, http, wish, kind, content):
    seen = []

    async def answer(request):
        seen.append((request.headers.get("Content-Type"), request.headers["Content-Length"], await request.read()))
        return web.json_response({})

    http_server.answers = {"/": answer}
    await http.request("POST", http_server.url, **wish)
    assert seen == [(kind, str(len(content)), content)]


async def test_the_trace_sees_each_step_in_order(http_server):
    steps = []
    http_server.answers = {"/": {"id": "1"}}
    async with Http(allow=LOOPBACK, trace=lambda event, url: steps.append(event)) as http:
        await create(http, http_server.url)
    assert steps == ["connected", "written", "answered"]


@pytest.mark.parametrize(("at", "outcome", "arrived"), [("connected", TryLater, 0), ("answered", OutcomeUnknown, 1)])
async def test_a_trace_that_raises_ends_the_request_there(http_server, at, outcome, arrived):
    def stop(event, url):
        if event == at:
            raise RuntimeError("stopped by the test")

    http_server.answers = {"/": {"id": "1"}}
    async with Http(allow=LOOPBACK, trace=stop) as http:
        with pytest.raises(outcome):
            await create(http, http_server.url)
    assert len(http_server.requests) == arrived


async def test_a_thousand_at_once(http_server):
    http_server.answers = {"/": {"id": "1"}}
    async with Http(allow=LOOPBACK, pace=4) as http:
        assert await asyncio.gather(*(create(http, http_server.url) for _ in range(1000))) == ["1"] * 1000


def test_one_client_lives_through_several_loops():
    async def once(http):
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        await create(http, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        server.close()

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 201 Created\r\nContent-Length: 11\r\n\r\n{"id": "1"}')
        await writer.drain()
        writer.close()

    http = Http(allow=LOOPBACK)
    asyncio.run(once(http))
    asyncio.run(once(http))
    asyncio.run(http.close())


async def test_no_secret_is_in_what_goes_wrong(hasty):
    async with peer_that(hang_up) as url:
        with pytest.raises(OutcomeUnknown) as caught:
            await hasty.request(
                "POST", url, headers={"Authorization": "Bearer s3cret"}, json={"p": "s3cret"}, creates=True
            )
    assert "s3cret" not in f"{caught.value} {caught.value.reason} {caught.value.detail}"
