"""All of static/css as one text: three dozen small files for people, one request for a browser. No build step."""

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
    return _compose(tuple((path, path.stat().st_mtime_ns) for path in sorted(CSS.rglob("*.css"))))


@lru_cache(maxsize=1)
def _compose(files: tuple[tuple[Path, int], ...]) -> tuple[str, str]:
    parts = [f"@layer {', '.join(LAYERS)};"]
    for layer in LAYERS:
        texts = [path.read_text() for path, _ in files if layer in (path.stem, path.parent.name)]
        parts.append(f"@layer {layer} {{\n{''.join(texts)}}}")
    text = "\n".join(parts).replace('url("../', f'url("{static("")}')
    return text, sha256(text.encode()).hexdigest()[:12]
