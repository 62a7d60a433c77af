"""python -m tests.benchmarks <workload>: a table, and as the last line one JSON object. `make bench W=burst`."""

import argparse

from tests.benchmarks import bulk, burst, calendar, hold, idle, pack, seeded, sweep

WORKLOADS = {
    "burst": burst.run, "calendar": calendar.run, "export": seeded.export, "hold": hold.run, "idle": idle.run,
    "import": bulk.run, "matrix": seeded.matrix, "pack": pack.run, "sweep": sweep.run,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--rounds", type=int, default=3)
    WORKLOADS[parser.parse_args().workload](rounds=parser.parse_args().rounds)


if __name__ == "__main__":
    main()
