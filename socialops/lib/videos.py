"""Videos: length, size and codec by PyAV, and a file without what a camera wrote into it. Nothing is encoded anew.

The container is named to the library, never guessed by it: so no playlist is opened, and nothing else is fetched.
PyAV is imported where it is used, since every process imports this file and few ever see a video.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

from socialops.lib.pictures import Picture, Unfit, encoded_small

MOST_BYTES = 100_000_000
MOST_SECONDS = 600
MOST_PIXELS = 3840 * 2160
PACKETS_TO_A_PICTURE = 200  # after so many without one, it is broken
VIDEO = {"h264": "mp4", "hevc": "mp4", "av1": "mp4", "vp8": "webm", "vp9": "webm"}  # and the container it is kept in
SOUND = {"mp4": {"aac", "mp3"}, "webm": {"opus", "vorbis"}}
_BROKEN = "The video is broken: it cannot be read to its end. Save it anew and hand that in."


@dataclass(frozen=True)
class Video(Picture):
    """A clean file. `seconds` is what its packets say, not its head; `small` stands for it in lists."""

    codec: str = ""
    small: Picture | None = None


def format_of(head: bytes) -> str:
    """ "mov" (MP4 and MOV), "matroska" (WebM), or "" for anything else."""
    if head[4:8] == b"ftyp":
        return "mov"
    return "matroska" if head.startswith(b"\x1a\x45\xdf\xa3") else ""


def clean(file: BinaryIO) -> Video:
    """The same pictures and sound in a new file, with no place, name or comment. Raises Unfit."""
    from av.error import FFmpegError

    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Unfit(f"The video is larger than {MOST_BYTES // 1_000_000} MB. Make it shorter or smaller.")
    try:
        with _opened(content) as source:
            codec, kind = _checked(source)
            small = _first_picture(content)
            into = BytesIO()
            seconds = _copied(source, into, kind)
            stream = source.streams.video[0]
            size = (stream.codec_context.width, stream.codec_context.height)
    except Unfit:
        raise
    except (FFmpegError, IndexError, ValueError, MemoryError) as error:
        raise Unfit(_BROKEN) from error
    return Video(into.getvalue(), f"video/{kind}", *size, seconds, codec, small)


@contextmanager
def _opened(content: bytes) -> Iterator[Any]:
    import av

    with av.open(BytesIO(content), format=format_of(content[:16])) as source:
        yield source


def _checked(source: Any) -> tuple[str, str]:
    """(its codec, the container that it is kept in). Its head is read, nothing is decoded."""
    if not source.streams.video:
        raise Unfit("There are no pictures in this file, only sound.")
    context = source.streams.video[0].codec_context
    if context.width * context.height > MOST_PIXELS:
        raise Unfit(f"The video is {context.width} × {context.height}; 3840 × 2160 is the most. Save it smaller.")
    kind = VIDEO.get(context.name, "")
    if not kind:
        raise Unfit(f"This video is encoded as {context.name}. H.264, HEVC, AV1, VP8 and VP9 are taken.")
    if any(each.codec_context.name not in SOUND[kind] for each in source.streams.audio):
        raise Unfit(f"The sound of this video does not go into {kind}. Save it with AAC (MP4) or Opus (WebM).")
    return context.name, kind


def _first_picture(content: bytes) -> Picture:
    with _opened(content) as source:
        for number, packet in enumerate(source.demux(source.streams.video[0])):
            if number > PACKETS_TO_A_PICTURE:
                break
            for frame in packet.decode():
                if frame.width * frame.height > MOST_PIXELS:
                    raise Unfit(_BROKEN)  # its head said less
                return encoded_small(frame.to_image())
    raise Unfit(_BROKEN)


def _copied(source: Any, into: BinaryIO, kind: str) -> float:
    """Packet by packet into a new container; its length in seconds by what it really holds."""
    import av

    chosen = [source.streams.video[0], *source.streams.audio[:1]]
    ends = 0.0
    with av.open(into, "w", format=kind) as target:
        streams = {each.index: target.add_stream_from_template(each) for each in chosen}
        for stream in streams.values():
            stream.metadata.clear()
        for packet in source.demux(chosen):
            if packet.dts is None:
                continue
            if packet.pts is not None:
                ends = max(ends, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            if ends > MOST_SECONDS:
                raise Unfit(f"The video is longer than {MOST_SECONDS // 60} minutes. Make it shorter.")
            packet.stream = streams[packet.stream.index]
            target.mux(packet)
    if ends <= 0:
        raise Unfit(_BROKEN)
    return ends
