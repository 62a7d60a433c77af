"""A person at a real web process, without a browser: cookies, the form's token, multipart."""

import http.client
import re
import uuid
from urllib.parse import urlsplit

from tests import factories


class Browser:
    """Signed in as somebody, or as nobody. Each request gives (status, page)."""

    def __init__(self, url: str, who=None) -> None:
        self.url, self.jar = url, {}
        if who is not None:
            self.jar = {cookie.key: cookie.value for cookie in factories.signed_in(who).cookies.values()}

    def get(self, path: str) -> tuple[int, str]:
        return self._ask("GET", path)

    def post(self, path: str, page: str, answers: dict[str, str | bytes]) -> tuple[int, str]:
        """A form that stands on that page; bytes are a file."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(page)[1])[1]
        return self.send(path, {"csrfmiddlewaretoken": token, **answers})

    def send(self, path: str, answers: dict[str, str | bytes], origin: str = "") -> tuple[int, str]:
        """The answers as they are, by multipart."""
        mark, parts = uuid.uuid4().hex, b""
        for name, value in answers.items():
            is_file = isinstance(value, bytes)
            of = f'; filename="{name}.png"\r\nContent-Type: image/png' if is_file else ""
            head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"{of}\r\n\r\n'.encode()
            parts += head + (value if is_file else value.encode()) + b"\r\n"
        kind = f"multipart/form-data; boundary={mark}"
        headers = {"Content-Type": kind, "Origin": origin or self.url}
        return self._ask("POST", path, parts + f"--{mark}--\r\n".encode(), headers)

    def _ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        line = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        line.request(method, path, body, {"Cookie": cookies, **(headers or {})})
        answer = line.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.jar[name] = value
        return answer.status, answer.read().decode()
