"""The sandbox put together: which part answers what, where faults strike, and the process around it."""

import asyncio
import base64
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from socialops.sandbox import pages
from socialops.sandbox.api import TEXT_LIMIT, Api, Promises
from socialops.sandbox.backstage import Backstage
from socialops.sandbox.faults import Fault, Faults, instead, spoiled
from socialops.sandbox.state import State
from socialops.sandbox.webhooks import Webhooks
from socialops.sandbox.wire import Answer, Connection, Problem, Request


class Sandbox:
    def __init__(self, promises: Promises, journal: Path | None = None, url: str = ""):
        self.url = url.rstrip("/")
        self.state = State(journal)
        self.promises = promises
        self.faults = Faults()
        self.webhooks = Webhooks()
        self.api = Api(self.state, promises, lambda: self.url)
        self.backstage = Backstage(self.state, self.api, promises, self.faults, self.webhooks)
        self._connections: set[Connection] = set()

    async def start(self, host: str, port: int) -> asyncio.Server:
        loop = asyncio.get_running_loop()

        def connection() -> Connection:
            return Connection(self.handle, lambda: self.promises.delay_ms / 1000.0, self._connections)

        server = await loop.create_server(connection, host, port, backlog=4096)
        self.url = self.url or f"http://{host}:{server.sockets[0].getsockname()[1]}"
        self.webhooks.start()
        return server

    async def stop(self, server: asyncio.Server) -> None:
        server.close()
        for connection in list(self._connections):
            connection.close()
        await self.webhooks.stop()
        self.state.flush()

    def handle(self, request: Request) -> Answer:
        try:
            parts = request.segments
            if parts and parts[0].startswith("_"):
                return self.backstage.answer(request, parts)
            if parts[:2] == ["api", "v1"]:
                return self._network(request, parts[2:])
            return self._visitor(request, parts)
        except Problem as problem:
            return problem.answer
        except Exception:
            traceback.print_exc(file=sys.stderr)
            return Answer(500, {"error": "internal", "message": "The sandbox has a mistake of its own."})

    def _network(self, request: Request, parts: list[str]) -> Answer:
        """An API call, with the fault that was planned for it, noted down if it asks to create something."""
        fault = self.faults.next(request)
        answer, created = (instead(fault) if fault else None), False
        if fault is not None and fault.kind == "late_commit":
            asyncio.get_running_loop().call_later(fault.seconds, self._commit, request, parts, fault)
        if answer is None:
            answer, created = self._committed(request, parts)
            if fault is not None:
                answer = spoiled(fault, answer)
        if request.method == "POST" and parts and parts[-1] in ("posts", "replies"):
            self._arrived(request, created, answer, fault)
        if request.method == "DELETE" and len(parts) == 2 and parts[0] == "doors":
            self.backstage.shut.append((request.wall, parts[1], answer.status, fault.kind if fault else ""))
        return answer

    def _committed(self, request: Request, parts: list[str]) -> tuple[Answer, bool]:
        try:
            return self.api.answer(request, parts)
        except Problem as problem:
            return problem.answer, False

    def _commit(self, request: Request, parts: list[str], fault: Fault) -> None:
        answer, created = self._committed(request, parts)
        self._arrived(request, created, answer, fault)

    def _arrived(self, request: Request, created: bool, answer: Answer, fault: Fault | None) -> None:
        token = self.state.tokens.get(request.headers.get("authorization", "")[7:])
        self.backstage.arrivals.append(
            (
                request.monotonic,
                request.wall,
                token["account"] if token else "",
                request.headers.get("idempotency-key", ""),
                request.body[:200].decode("utf-8", "replace"),
                created,
                0 if answer.breaks in ("hang", "reset") else answer.status,
                fault.kind if fault else "",
            )
        )

    def _visitor(self, request: Request, parts: list[str]) -> Answer:
        if not parts:
            return Answer(html=pages.everybody(self.state))
        if parts[0] == "media":
            return self._file(parts[-1])
        account = self.state.accounts.get(self.state.by_handle.get(parts[0].removeprefix("@"), ""))
        post = self.state.posts.get(parts[2]) if len(parts) == 3 and parts[1] == "posts" else None
        if not parts[0].startswith("@") or account is None or (len(parts) > 1 and post is None):
            return Answer(404, html=pages.page("Not found", "<p>There is nothing at this address.</p>"))
        if request.method == "POST":
            return self._written(request, account, post)
        shown = pages.account(self.state, account) if post is None else pages.post(self.state, account, post)
        return Answer(html=shown)

    def _file(self, media_id: str) -> Answer:
        kept = self.state.media.get(media_id)
        if kept is None:
            return Answer(404, html=pages.page("Not found", "<p>There is nothing at this address.</p>"))
        headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
        return Answer(200, base64.b64decode(kept["content"]), headers, kind=kept["mime"])

    def _written(self, request: Request, account: dict, post: dict | None) -> Answer:
        form = request.form()
        name, text = form.get("name", "").strip()[:60], form.get("text", "").strip()
        if not name or not text or len(text) > TEXT_LIMIT:
            told = f"<p>Write your name and a text of at most {TEXT_LIMIT} characters.</p>"
            return Answer(422, html=pages.page("Nothing was sent", told))
        handle = "".join(c for c in name.lower() if c.isalnum()) or "visitor"
        author = {"id": f"visitor-{handle}", "handle": handle, "name": name}
        kind = "mention" if post is None else "comment"
        self.backstage.say(account, kind, text, author, post=post["id"] if post else "")
        return Answer(303, b"", {"Location": request.path})


async def serve(sandbox: Sandbox, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    server = await sandbox.start(host, port)
    ready(sandbox.url)
    await done.wait()
    await sandbox.stop(server)
