"""python -m socialops.sandbox: serve the sandbox network; prints {"url": ...} as one line of JSON when it listens."""

import argparse
import json
import os
import sys
from pathlib import Path

import uvloop

from socialops.sandbox.api import Promises
from socialops.sandbox.server import Sandbox, serve


def main() -> int:
    options = _parser().parse_args()
    promises = Promises(options.key, options.lookup, options.delay_ms)
    try:
        sandbox = Sandbox(promises, options.state, options.url)
        uvloop.run(serve(sandbox, options.host, options.port, _ready))
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        place = f"{options.host}:{options.port}"
        print(f"The sandbox cannot start on {place}: {why}. Choose others with --host and --port.", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m socialops.sandbox", description="A social network to try things on."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--url", default="", help="how others reach it, if not by this host and port")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="how long each answer takes")
    parser.add_argument("--state", type=Path, help="a file that keeps everything over a restart")
    parser.add_argument("--key", action=argparse.BooleanOptionalAction, default=True, help="honour Idempotency-Key")
    parser.add_argument("--lookup", action=argparse.BooleanOptionalAction, default=True, help="list posts")
    return parser


def _ready(url: str) -> None:
    print(json.dumps({"url": url}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
