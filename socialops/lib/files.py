"""Files that people hand in or out: on the disk whole, or not at all."""

import errno
import os
import tempfile
from pathlib import Path

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.http import FileResponse

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # the disk, a quota, a limit on the size of a file


class WholeFiles(FileSystemStorage):
    """A file is written beside its place, seen on the disk, and only then moved there. A full disk leaves no half."""

    def _save(self, name: str, content: File) -> str:
        Path(self.location).mkdir(parents=True, exist_ok=True)
        descriptor, half = tempfile.mkstemp(prefix=".half-", dir=self.location)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            return super()._save(name, _Written(half))  # type: ignore[misc]
        finally:
            Path(half).unlink(missing_ok=True)  # moved away, unless it failed


class _Written(File):
    """Content that stands on the disk already; Django moves it."""

    def __init__(self, path: str) -> None:
        super().__init__(None, path)
        self.path = path

    def temporary_file_path(self) -> str:
        return self.path


def handed_out(file: File, name: str, kind: str) -> FileResponse:
    """A file that people handed in, given to whoever was found to have a right to it: to be drawn or kept, never run.

    It is what `kind` says and nothing else, and opened by itself it may do nothing.
    """
    response = FileResponse(file, as_attachment=True, filename=name, content_type=kind)
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
