"""`python -m socialops.local up|down|status|demo`"""

import argparse
import sys

from socialops.local import LocalError, Servers


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m socialops.local", description="The embedded servers.")
    parser.add_argument("command", choices=["up", "down", "status", "demo"])
    command = parser.parse_args(arguments).command
    try:
        return {"up": up, "down": down, "status": status, "demo": demo}[command]()
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1


def up() -> int:
    servers = Servers()
    started = servers.up()
    servers.keep(True)
    print(f"Started {' and '.join(started)}." if started else "Already running.")
    return 0


def down() -> int:
    servers = Servers()
    stopped = servers.down()
    servers.keep(False)
    print(f"Stopped {' and '.join(stopped)}." if stopped else "Nothing was running.")
    return 0


def status() -> int:
    found = Servers().status()
    for name, state in found.items():
        print(f"{name}: {state}")
    return 0 if all(state.startswith("running") for state in found.values()) else 1


def demo() -> int:
    from socialops.local.demo import run

    return run()


if __name__ == "__main__":
    sys.exit(main())
