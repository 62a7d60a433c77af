"""Somebody else's server: takes webhooks over a real socket, and answers by its path."""

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """`answers`: for a path what it says, one after the other, the last again and again: a status, or a word."""

    url: str
    taken: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: dict[str, list] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)

    def at(self, path: str) -> list[tuple[dict[str, str], bytes]]:
        return [(headers, body) for there, headers, body in self.taken if there == path]

    def next_answer(self, path: str):
        answers = self.answers.get(path, [200])
        return answers.pop(0) if len(answers) > 1 else answers[0]


class _Request(BaseHTTPRequestHandler):
    def do_POST(self):
        receiver: Receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver.taken.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        answer = receiver.next_answer(self.path)
        status, *more = answer if isinstance(answer, tuple) else (answer,)
        if status == "hang":
            receiver.ended.wait(20)
            return
        self.send_response(200 if status == "slow" else status)
        for name, value in dict(*more).items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self._say(receiver, status)

    def _say(self, receiver: Receiver, status):
        if status == "slow":
            while not receiver.ended.wait(0.02):
                self.wfile.write(b"x")
                self.wfile.flush()
        self.wfile.write(b"<b>thank you</b>" + b"x" * 9000)

    def log_message(self, *_):
        pass


@contextmanager
def receiver():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Request)
    server.daemon_threads, server.block_on_close = True, False
    server.receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.receiver
    finally:
        server.receiver.ended.set()
        time.sleep(0)
        server.shutdown()
        server.server_close()
        thread.join()
