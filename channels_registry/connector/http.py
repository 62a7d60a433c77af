"""The connectors' one HTTP client, with every failure told apart by whether bytes may have left.

Nothing sent (no address, no connection)            -> TryLater
Sent, and no readable answer (timeout, reset, 5xx)  -> OutcomeUnknown if the request creates something, else TryLater
Answered 401 -> Disconnected; 429 -> TryLater(after); any other 4xx -> Refused with the network's own words

Nothing is ever repeated here, and no redirect is followed: only the delivery decides to send again.
"""

import asyncio
import ssl
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache, partial
from typing import Any, NoReturn, Self

import aiohttp
from yarl import URL

from channels_registry.connector.answers import Response, message_in, wait_in
from channels_registry.connector.errors import Disconnected, NetworkError, OutcomeUnknown, Refused, TryLater
from channels_registry.connector.exchange import Exchange, Line
from socialops.lib.fetch import Blocked, GuardedResolver, checked_url

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 30.0
KEEPALIVE_SECONDS = 2.0  # shorter than any server's, so that an idle connection is never closed under a request
LARGEST_BODY = 8 * 1024 * 1024

Trace = Callable[[str, str], None]
Params = Mapping[str, str | list[str]]
Judge = Callable[[Response], NetworkError | None]


class Http:
    """One client for thousands of requests at once. Made anywhere; its connections belong to the loop that uses it.

    `pace` scales the timeouts (0.1: a tenth). `allow` names hosts ("127.0.0.1", "127.0.0.1:3000") that may be private
    or plain http. `trace(event, url)` is called at "connected" (nothing written yet), "written" and "answered" (headers
    read): what it raises at the first ends the request with nothing sent, at the last with the answer lost.
    """

    def __init__(
        self,
        *,
        pace: float = 1.0,
        limit: int = 1000,
        allow: Collection[str] = (),
        gate: Callable[[], None] | None = None,
        trace: Trace | None = None,
        resolver: aiohttp.abc.AbstractResolver | None = None,
        largest_body: int = LARGEST_BODY,
        tls: ssl.SSLContext | None = None,
    ):
        self._allow = frozenset(allow)
        self._checked_url = lru_cache(1024)(partial(checked_url, allow=self._allow))
        self._limit = limit
        self._gate = gate
        self._trace = trace
        self._resolver = resolver
        self._largest_body = largest_body
        self._tls = tls
        self._timeout = aiohttp.ClientTimeout(total=TOTAL_SECONDS * pace, sock_connect=CONNECT_SECONDS * pace)
        self._line: Line | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection. Requests in flight end as OutcomeUnknown or TryLater, by whether they had been
        written.
        """
        line, self._line = self._line, None
        if line is not None:
            await line.connector.close()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Params | None = None,
        json: Any = None,
        data: bytes | Mapping[str, str] | None = None,
        creates: bool = False,
        judge: Judge | None = None,
    ) -> Response:
        """One request, one answer. `creates`: it may bring something into being over there, so doubt means
        OutcomeUnknown.

        `judge` reads an answer of 400 and above first: the error it returns is raised, None leaves it to the rules
        above.
        """
        target = self._checked(url, params, headers)
        exchange = Exchange(method, target, headers, json, data)
        try:
            answer = await exchange.over(
                self._live_line(), partial(self._about_to_write, url), partial(self._traced, "answered", url)
            )
        except asyncio.CancelledError as error:
            if not creates:
                raise
            raise self._lost(target, exchange.written, creates, "aborted here", error) from error
        except Blocked as error:
            raise Refused(error.reason, detail=f"{target.host}: blocked address") from error
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, RuntimeError) as error:
            raise self._lost(target, exchange.written, creates, repr(error), error) from error
        response = Response(*answer, target.host or "", creates)
        if response.status >= 300:
            self._refuse(response, judge)
        return response

    def _checked(self, url: str, params: Params | None, headers: Mapping[str, str] | None) -> URL:
        try:
            target = self._checked_url(url)
            for name, value in (headers or {}).items():
                if not (name.isascii() and value.isprintable()):
                    raise Blocked(f"The value for {name} contains characters that may not be sent.")
        except Blocked as error:
            raise Refused(error.reason, detail=f"not fetched: {url[:200]!r}") from error
        return target.update_query(params) if params else target

    def _live_line(self) -> Line:
        loop = asyncio.get_running_loop()
        if self._line is None or self._line.loop is not loop or self._line.connector.closed:
            connector = aiohttp.TCPConnector(
                limit=self._limit,
                resolver=GuardedResolver(allow=self._allow, inner=self._resolver),
                keepalive_timeout=KEEPALIVE_SECONDS,
                ssl=self._tls or True,
            )
            self._line = Line(connector, self._timeout, self._largest_body)
        return self._line

    def _about_to_write(self, url: str) -> None:
        """A connection is in hand, and the first byte is not yet written."""
        if self._gate is not None:
            self._gate()
        if self._trace is not None:
            self._trace("connected", url)
            asyncio.get_running_loop().call_soon(self._trace, "written", url)

    def _traced(self, event: str, url: str) -> None:
        if self._trace is not None:
            self._trace(event, url)

    def _lost(self, target: URL, sent: bool, creates: bool, detail: str, error: BaseException) -> NetworkError:
        host = target.host
        if not sent:
            reason = f"{host} cannot be reached. Nothing was sent."
            return TryLater(reason, detail=f"not sent: {detail}")
        late = isinstance(error, TimeoutError)
        what = "did not answer in time" if late else "broke off before it answered"
        if creates:
            return OutcomeUnknown(f"{host} {what}, so it is not known whether it did what was asked.", detail=detail)
        return TryLater(f"{host} {what}.", detail=detail)

    def _refuse(self, response: Response, judge: Judge | None) -> NoReturn:
        status, host = response.status, response.host
        if judge is not None and (verdict := judge(response)) is not None:
            raise verdict
        code, said = message_in(response.body)
        more: dict[str, Any] = {
            "detail": f"HTTP {status} {code} {said}".strip() or f"HTTP {status}",
            "status": status,
            "request_id": response.request_id,
        }
        if status == 429:
            raise TryLater(f"{host} asks us to slow down.", after=wait_in(response.headers), **more)
        if status == 401:
            raise Disconnected(f"{host} no longer accepts this connection. Connect the channel again.", **more)
        if 400 <= status < 500 and status not in (408, 425):
            raise Refused(f"{host} refused it: {said}" if said else f"{host} refused it (HTTP {status}).", **more)
        if status in (307, 308):
            raise Refused(f"{host} sends us to another address, which is not followed.", **more)
        if response.creates:
            raise OutcomeUnknown(
                f"{host} failed (HTTP {status}), so it is not known whether it did what was asked.", **more
            )
        if 300 <= status < 400:
            raise Refused(f"{host} sends us to another address, which is not followed.", **more)
        raise TryLater(f"{host} has a problem of its own (HTTP {status}).", after=wait_in(response.headers), **more)


def bearer(token: str) -> dict[str, str]:
    """The header that shows a token."""
    return {"Authorization": f"Bearer {token}"}
