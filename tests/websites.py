"""A web site under somebody else's control, on loopback: what it answers, and what it was asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Website:
    """`answers[path]` is a page's HTML, or (status, headers, body). `asked`: (path, headers) of each request."""

    def __init__(self, url: str):
        self.url = url
        self.place = url.removeprefix("http://")  # for what takes hosts that may be inner ones
        self.answers: dict[str, str | tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []


@contextmanager
def website() -> Iterator[Website]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            site.asked.append((self.path, dict(self.headers)))
            said = site.answers.get(self.path, (404, {}, b"nothing here"))
            status, headers, body = (
                (200, {"Content-Type": "text/html"}, said.encode()) if isinstance(said, str) else said
            )
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Website(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
    thread.start()
    yield site
    server.shutdown()
    server.server_close()
    thread.join(5)
