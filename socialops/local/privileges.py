"""Running PostgreSQL when we are root, which it refuses.

Best first: a user namespace in which root's files belong to an ordinary user. Nothing is chowned and nothing copied.
Where the kernel or a container forbids that, the server runs as the user who called sudo, or as nobody, and the
binaries and the cluster move to where that user may reach them.

This file is also the launcher: `python privileges.py namespace COMMAND...` or `python privileges.py setuid UID GID
COMMAND...` changes what the process is and becomes the command. It imports the standard library only.
"""

import ctypes
import os
import pwd
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
NOBODY = 65534


def as_namespace() -> list[str]:
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), "namespace"]


def as_user(uid: int, gid: int) -> list[str]:
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), "setuid", str(uid), str(gid)]


def unprivileged_user() -> tuple[int, int]:
    """Who runs PostgreSQL when a namespace cannot: the user behind sudo, else nobody."""
    uid = int(os.environ.get("SUDO_UID") or 0) or NOBODY
    try:
        return uid, pwd.getpwuid(uid).pw_gid
    except KeyError:
        return uid, int(os.environ.get("SUDO_GID") or NOBODY)


def enter_namespace() -> None:
    uid, gid = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
        sys.exit(f"a user namespace is not allowed here: {os.strerror(ctypes.get_errno())}")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")


def become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def main(arguments: list[str]) -> None:
    way, *rest = arguments
    if way == "namespace":
        enter_namespace()
    else:
        become(int(rest.pop(0)), int(rest.pop(0)))
    os.execv(rest[0], rest)


if __name__ == "__main__":
    main(sys.argv[1:])
