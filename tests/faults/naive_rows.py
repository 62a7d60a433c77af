"""The control where the database or a clock is hurt: a sender with rows, as one would write it in an afternoon.

python -m tests.faults.naive_rows <database> <url> <token>: ten threads take what is due and not done by this machine's
clock, send it, and write that it is done. When the database is away they try again. With "tick" as a fourth word it is
a cron job instead: each tick sends what has become due by the database's clock since the tick before.
"""

import http.client
import json
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit

import psycopg2

THREADS = 10
NEXT = "SELECT text FROM naive WHERE part = %s AND NOT done AND due <= %s ORDER BY text LIMIT 1"


class Rows:
    """A connection that is made anew when it is gone."""

    def __init__(self, url: str):
        self.url, self.line = url, None

    def ask(self, statement: str, values: list) -> list[tuple]:
        """Raises psycopg2.Error when the database is away; the next asking tries again."""
        if self.line is None or self.line.closed:
            self.line = psycopg2.connect(self.url, connect_timeout=5)
            self.line.autocommit = True
        cursor = self.line.cursor()
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def post(url: str, token: str, text: str) -> None:
    line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    line.request("POST", "/api/v1/posts", json.dumps({"text": text}), headers)
    line.getresponse().read()
    line.close()


def work(database: str, url: str, token: str, part: int) -> None:
    rows = Rows(database)
    while True:
        try:
            if found := rows.ask(NEXT, [part, datetime.now(UTC)]):
                post(url, token, found[0][0])
                rows.ask("UPDATE naive SET done = true WHERE text = %s", [found[0][0]])
                continue
            if not rows.ask("SELECT 1 FROM naive WHERE part = %s AND NOT done LIMIT 1", [part]):
                return
        except (psycopg2.Error, OSError):
            pass
        time.sleep(0.1)


def ticks(database: str, url: str, token: str) -> None:
    rows, last = Rows(database), None
    while True:
        ((now,),) = rows.ask("SELECT clock_timestamp()", [])
        if last is not None:
            for (text,) in rows.ask("SELECT text FROM naive WHERE due > %s AND due <= %s", [last, now]):
                with suppress(OSError):
                    post(url, token, text)
        last = now
        time.sleep(0.2)


def main() -> None:
    database, url, token, *how = sys.argv[1:]
    if how:
        return ticks(database, url, token)
    threads = [threading.Thread(target=work, args=(database, url, token, part)) for part in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return None


if __name__ == "__main__":
    main()
