"""All of static/css as one text: three dozen small files for people, one request for a browser. No build step."""

import os
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.templatetags.static import static

CSS = Path(settings.BASE_DIR) / "static" / "css"
# Layers in order of strength; each is a file or a folder of them.
LAYERS = ("reset", "tokens", "base", "layout", "components", "utilities")


def composed() -> tuple[str, str]:
    """The whole text and its version, composed again when a file has changed."""
    found = [each for folder, *_ in os.walk(CSS) for each in os.scandir(folder) if each.name.endswith(".css")]
    return _compose(tuple(sorted((each.path, each.stat().st_mtime_ns) for each in found)))


@lru_cache(maxsize=1)
def _compose(files: tuple[tuple[str, int], ...]) -> tuple[str, str]:
    paths = [Path(path) for path, _ in files]
    parts = [f"@layer {', '.join(LAYERS)};"]
    for layer in LAYERS:
        texts = [path.read_text() for path in paths if layer in (path.stem, path.parent.name)]
        parts.append(f"@layer {layer} {{\n{''.join(texts)}}}")
    text = "\n".join(parts).replace('url("../', f'url("{static("")}')
    return text, sha256(text.encode()).hexdigest()[:12]
