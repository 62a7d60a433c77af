"""The control: a sender as one would write it in an afternoon, under the same fault in the same run.

python -m tests.faults.naive <url> <token> <directory>: thirty threads take the texts of a list, send each, and note it
down when it is answered. After a restart it goes on with what is not noted.
"""

import http.client
import json
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

THREADS = 30


def main() -> None:
    url, token, directory = sys.argv[1:]
    texts = json.loads((Path(directory) / "texts.json").read_text())
    noted = Path(directory) / "noted"
    done = set(noted.read_text().splitlines()) if noted.exists() else set()
    left = [text for text in texts if text not in done]
    lock = threading.Lock()
    with noted.open("a") as notes:

        def note(text: str) -> None:
            with lock:
                notes.write(text + "\n")
                notes.flush()

        def work() -> None:
            line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            while True:
                with lock:
                    if not left:
                        return
                    text = left.pop(0)
                line.request("POST", "/api/v1/posts", json.dumps({"text": text}), headers)
                line.getresponse().read()
                note(text)

        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
