"""What counts as proof that a door is shut, and what a person may hand in as evidence."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File

from channels_registry.connector.types import Probe, RemoteDoor

LARGEST_FILE = 5 * 1024 * 1024
KINDS = {  # by what the file is, never by what it is called
    b"\x89PNG\r\n\x1a\n": ("png", "image/png"),
    b"\xff\xd8\xff": ("jpg", "image/jpeg"),
    b"%PDF-": ("pdf", "application/pdf"),
}


@dataclass(frozen=True)
class Finding:
    """What reading the network again says. `shut` None: it offers no way to know."""

    shut: bool | None
    detail: str
    residual: str = ""
    until: datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


def judge(door: RemoteDoor, listed: Sequence[RemoteDoor] | None, probe: Probe) -> Finding:
    """Both must agree: not on the list (if there is one), and nobody is let in (if that can be tried)."""
    on_list = None if listed is None else any(each.remote_id == door.remote_id for each in listed)
    words = {
        None: "This network has no list to read.",
        True: "It is still on the network’s list.",
        False: f"It is not among the {len(listed or ())} doors on the network’s own list.",
    }[on_list]
    shut = None if on_list is None and probe.shut is None else not on_list and probe.shut is not False
    evidence = {"on_list": on_list, "let_in": None if probe.shut is None else not probe.shut, **dict(probe.evidence)}
    return Finding(shut, f"{words} {probe.detail}".strip(), probe.residual, probe.until, evidence)


def checked_file(file: File) -> tuple[ContentFile, str]:
    """(the file under a name of ours, its SHA-256). ValidationError for anything but a picture or a PDF."""
    if file.size > LARGEST_FILE:
        size = LARGEST_FILE // 1024 // 1024
        raise ValidationError({"file": f"The file is larger than {size} MB. Hand in a smaller picture."})
    content = file.read(LARGEST_FILE + 1)
    kind = next((kind for start, kind in KINDS.items() if content.startswith(start)), None)
    if kind is None:
        raise ValidationError({"file": "This is neither a PNG, a JPEG nor a PDF. Hand in a picture of the screen."})
    return ContentFile(content, name=f"{uuid.uuid4().hex}.{kind[0]}"), hashlib.sha256(content).hexdigest()


def media_type(name: str) -> str:
    return dict(KINDS.values()).get(name.rpartition(".")[2], "application/octet-stream")
