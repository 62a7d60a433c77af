"""The fault proxy does what its plans say: a fault test is worth no more than its fault."""

import asyncio

import pytest

from channels_registry.connector.errors import OutcomeUnknown, TryLater
from channels_registry.connector.http import Http
from tests.networks.peers import LOOPBACK, eventually
from tests.proxy import FaultProxy


@pytest.fixture
def proxy(http_server):
    http_server.answers = {"/make": {"id": "1"}, "/other": {"id": "2"}}
    with FaultProxy(http_server.url) as made:
        yield made


@pytest.fixture
async def hasty():
    async with Http(allow=LOOPBACK, pace=0.03) as made:
        yield made


async def make(http, proxy, path="/make"):
    answer = await http.request("POST", proxy.url + path, json={"text": "ä" * 100_000}, creates=True)
    return answer.read(lambda value: value["id"])


async def test_without_a_plan_everything_passes(proxy, http, http_server):
    assert await make(http, proxy) == "1"
    assert len(await http_server.requests[0].read()) > 100_000


@pytest.mark.parametrize(("kind", "arrived"), [("lose", 1), ("hang", 1), ("error", 1), ("garbage", 1), ("refuse", 0)])
async def test_a_planned_fault_strikes_once_and_then_no_more(proxy, hasty, http_server, kind, arrived):
    proxy.plan(kind, method="POST", path="/make")
    assert await make(hasty, proxy, "/other") == "2"
    with pytest.raises(OutcomeUnknown):
        await make(hasty, proxy)
    assert [request.path for request in http_server.requests].count("/make") == arrived
    assert await make(hasty, proxy) == "1"
    assert [fault for _, _, fault in proxy.seen] == ["", kind, ""]


async def test_the_second_of_two_is_struck(proxy, http):
    proxy.plan("lose", path="/make", after=1)
    assert await make(http, proxy) == "1"
    with pytest.raises(OutcomeUnknown):
        await make(http, proxy)


async def test_a_late_request_arrives_after_its_sender_gave_up(proxy, http, http_server):
    proxy.plan("late", path="/make", seconds=0.2)
    with pytest.raises(OutcomeUnknown):
        await make(http, proxy)
    assert http_server.requests == []

    async def arrived():
        await asyncio.sleep(0)
        return http_server.requests

    await eventually(arrived, 5)


async def test_a_delayed_answer_still_arrives(proxy, http):
    proxy.plan("delay", path="/make", seconds=0.2)
    began = asyncio.get_running_loop().time()
    assert await make(http, proxy) == "1"
    assert asyncio.get_running_loop().time() - began >= 0.2


async def test_a_proxy_that_is_down_or_stopped_takes_nothing(proxy, http, http_server):
    proxy.down = True
    with pytest.raises(OutcomeUnknown):  # it hung up on a request that had begun
        await make(http, proxy)
    proxy.stop()
    with pytest.raises(TryLater):
        await make(http, proxy)
    assert http_server.requests == []
