"""Files that arrive in pieces: begun, continued where they broke off, and put together at the end."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, cast
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import ContentFile, File
from django.db import transaction
from django.db.models.functions import Now

from accounts.models import Person
from publishing.models import Asset, Upload, UploadPiece
from publishing.storing import require_draft, upload
from socialops.lib import videos

MOST_BYTES = videos.MOST_BYTES
MOST_AT_ONCE = 10  # files of one person on their way
KEPT = timedelta(days=1)


class Elsewhere(Exception):
    """A piece that does not begin where the last one ended. `received`: where it has to begin."""

    def __init__(self, received: int):
        super().__init__(f"{received} bytes are here")
        self.received = received


@transaction.atomic
def begin(by: Person, name: str, length: int) -> Upload:
    """Room for a file of that many bytes. What nobody finished within a day is thrown away."""
    require_draft(by)
    for old in Upload.objects.filter(begun_at__lt=Now() - KEPT)[:20]:
        _throw_away(old)
    if not 0 < length <= MOST_BYTES:
        raise ValidationError({"file": f"The file is larger than {MOST_BYTES // 1_000_000} MB, or empty."})
    if Upload.objects.filter(by=by).count() >= MOST_AT_ONCE:
        raise ValidationError({"file": "Too many of your files are on their way. Finish those first."})
    return Upload.objects.create(by=by, name=name[:200] or "file", length=length)


@transaction.atomic
def add(begun: Upload, by: Person, offset: int, content: bytes) -> Upload:
    """The next piece. Raises Elsewhere if it does not begin where the last one ended."""
    require_draft(by)
    begun = Upload.objects.select_for_update().get(pk=begun.pk)
    if offset != begun.received:
        raise Elsewhere(begun.received)
    if offset + len(content) > begun.length:
        raise ValidationError({"file": "More arrived than was announced. Choose the file again."})
    if content:
        piece = UploadPiece(upload=begun, offset=offset)
        piece.file.save("", ContentFile(content), save=False)
        piece.save()
        begun.received += len(content)
        begun.save(update_fields=["received"])
    return begun


@contextmanager
def whole(key: UUID, by: Person) -> Iterator[File]:
    """The file put together, for `storing.upload`; thrown away when that has gone well."""
    arrived = Upload.objects.filter(by=by, pk=key).first()
    if arrived is None or arrived.received < arrived.length:
        raise ValidationError(
            {"file": "The file has not arrived whole. Choose it again: it goes on where it broke off."}
        )
    with tempfile.TemporaryFile() as together:
        for piece in arrived.pieces.order_by("offset"):
            with piece.file.open("rb") as part:
                together.write(part.read())
        together.seek(0)
        yield File(together, name=arrived.name)
    _throw_away(arrived)


def stored(by: Person, file: File | None, key: UUID | None, **about: Any) -> Asset:
    """Into the library: a file that came whole with the form, or the one that came before it in pieces."""
    if file is None and key is None:
        raise ValidationError({"file": "Choose a file."})
    if file is not None or key is None:
        return upload(by, cast(File, file), **about)
    with whole(key, by) as together:
        return upload(by, together, **about)


def drop(begun: Upload, by: Person) -> None:
    """Throw away what has arrived of one's own file."""
    if begun.by_id != by.pk:
        raise PermissionDenied("Only who brings this file may throw it away.")
    _throw_away(begun)


@transaction.atomic
def _throw_away(begun: Upload) -> None:
    for piece in begun.pieces.all():
        transaction.on_commit(partial(piece.file.storage.delete, piece.file.name or ""))
    begun.delete()
