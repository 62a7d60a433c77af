"""The burst by procrastinate: one job a post, deferred to the instant. Runs in the venv of tests.benchmarks.apart.

python -m tests.benchmarks.procrastinated fill <database> <url> <token> <due> <count>
python -m tests.benchmarks.procrastinated work <database> <places>: one worker, until it is told to stop.
"""

import sys
from datetime import UTC, datetime

import aiohttp
import uvloop
from procrastinate import App, PsycopgConnector

LOOK = 0.1  # seconds between two looks for what has come due; its own 5 s would be all that is measured
_client: list[aiohttp.ClientSession] = []


def app(database: str) -> App:
    made = App(connector=PsycopgConnector(conninfo=database, max_size=20))

    @made.task(name="send")
    async def send(url: str, token: str, number: int) -> None:
        body = {"text": f"Text {number}", "placement": "feed", "language": ""}
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"job-{number}"}
        async with _client[0].post(f"{url}/api/v1/posts", json=body, headers=headers) as answer:
            await answer.read()

    return made


async def fill(database: str, url: str, token: str, due: str, count: str) -> None:
    async with (made := app(database)).open_async():
        await made.schema_manager.apply_schema_async()
        send = made.tasks["send"].configure(schedule_at=datetime.fromtimestamp(float(due), UTC))
        for first in range(0, int(count), 1000):
            last = min(first + 1000, int(count))
            await send.batch_defer_async(*({"url": url, "token": token, "number": n} for n in range(first, last)))


async def work(database: str, places: str) -> None:
    async with (made := app(database)).open_async(), aiohttp.ClientSession() as client:
        _client.append(client)
        await made.run_worker_async(
            concurrency=int(places), fetch_job_polling_interval=LOOK, update_heartbeat_interval=10, delete_jobs="never"
        )


def main() -> None:
    what, *arguments = sys.argv[1:]
    print("ready", flush=True)
    uvloop.run({"fill": fill, "work": work}[what](*arguments))


if __name__ == "__main__":
    main()
