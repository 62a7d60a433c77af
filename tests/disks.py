"""A disk that is really full, for one process: a small tmpfs in a namespace of its own. Needs no root.

Where namespaces are not allowed, the kernel refuses to let the process's files grow: the same refusal by another name.

    disk = SmallDisk(directory)
    web = processes.web(before=disk.command, MEDIA_ROOT=str(directory))
    disk.belongs_to(web.pid)
    disk.fill() ... disk.clear()
"""

import errno
import resource
import subprocess
from pathlib import Path

MEGABYTES = 8
MOUNT = f'mount -t tmpfs -o size={MEGABYTES}m,mode=700 tmpfs "$0" && exec "$@"'


class SmallDisk:
    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory, self.pid = directory, 0
        self.own = subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=False).returncode == 0
        self.command = ["unshare", "-Urm", "sh", "-c", MOUNT, str(directory)] if self.own else []

    def belongs_to(self, pid: int) -> None:
        """The process that sees it; it was started by `command`."""
        self.pid = pid

    @property
    def seen(self) -> Path:
        """Its directory, as we can reach it."""
        return Path(f"/proc/{self.pid}/root{self.directory}") if self.own else self.directory

    def files(self) -> list[str]:
        return sorted(path.name for path in self.seen.rglob("*") if path.is_file() and path.name != "filler")

    def fill(self) -> None:
        if not self.own:
            return self._limit(0)
        with (self.seen / "filler").open("wb", buffering=0) as filler:
            for size in (65536, 4096):
                try:
                    while True:
                        filler.write(b"x" * size)
                except OSError as error:
                    assert error.errno == errno.ENOSPC
        return None

    def clear(self) -> None:
        (self.seen / "filler").unlink() if self.own else self._limit(resource.RLIM_INFINITY)

    def _limit(self, most: int) -> None:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for pid in (self.pid, *map(int, children)):
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if most == resource.RLIM_INFINITY else most, hard))
