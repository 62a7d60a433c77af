"""Fernhill's library: drawn, not photographed, so that it takes seconds and is the same each time."""

from datetime import timedelta
from io import BytesIO
from random import Random

from django.core.files.base import ContentFile
from django.utils import timezone
from PIL import Image, ImageDraw, ImageFilter

from accounts.models import Person
from publishing import storing
from publishing.models import Asset, LinkCard

SIZES = [(1200, 900), (1080, 1080), (900, 1200), (1280, 720)]
# Folder, title, alt text, tags, days until the rights end (None: they do not).
PICTURES = [
    ("Outdoor", "Ridge at dawn", "Three ridges behind one another, the last one in the sun.", "trail dawn", None),
    ("Outdoor", "First snow", "Fresh snow on a row of hills under a grey sky.", "trail winter", None),
    ("Outdoor", "The long path", "A path that winds between green hills.", "trail summer", 400),
    ("Outdoor", "Evening at the lake", "Hills mirrored in a lake, the sun low over them.", "trail evening", 12),
    ("Outdoor", "Fog in the valley", "Fog lies between dark slopes.", "trail autumn", None),
    ("Shops/Lyon", "Lyon, the window", "", "shop window", None),
    ("Shops/Lyon", "Lyon, repair desk", "The repair desk of the Lyon shop, empty in the morning.", "shop repair", 25),
    ("Shops/Madrid", "Madrid, opening day", "", "shop opening", -3),
    ("Products", "Winter boots", "A pair of brown winter boots on stone.", "boots winter", None),
    ("Products", "Trail poles", "Two poles crossed, seen from above.", "poles", None),
]
SITE = "https://fernhill.example/"
PAGES = [
    ("poles", "Trail poles, 180 grams", "Carbon, in three parts. Five years of warranty.", "Trail poles"),
    ("spring-fair", "Fernhill at the spring fair", "Hall 3, 14 to 17 April.", "The long path"),
]
MORE = ["Outdoor", "Products", "Campaigns/Winter", "Campaigns/Repair"]


def hang(by: Person, count: int = 40) -> dict[str, Asset]:
    """The library, through the verb; by title."""
    random, now = Random(2026), timezone.now()  # noqa: S311 (pictures, not secrets)
    rows = [*PICTURES]
    while len(rows) < count:
        folder = MORE[len(rows) % len(MORE)]
        place = folder.rsplit("/", 1)[-1].lower()
        alt = "" if len(rows) % 6 == 0 else f"Hills in soft colours, for {place}."
        rows.append((folder, f"{folder.rsplit('/', 1)[-1]} {len(rows)}", alt, place, None))
    made = {}
    for number, (folder, title, alt, tags, days) in enumerate(rows):
        made[title] = storing.upload(
            by, ContentFile(_drawn(random, *SIZES[number % len(SIZES)]), name=f"{title}.jpg"), title=title,
            folder=folder, alt_text=alt, tags=tags.split(), credit="Fernhill studio", licence="Our own",
            expires_at=None if days is None else now + timedelta(days=days), release="not_needed",
        )  # fmt: skip
    return made


def read_pages(by: Person, library: dict[str, Asset]) -> None:
    """Pages that posts link to, as a worker read them."""
    now = timezone.now()
    for path, title, description, picture in PAGES:
        asset = library[picture]
        card = LinkCard(
            url=f"{SITE}{path}", title=title, description=description, asked_by=by, asked_at=now, read_at=now
        )
        card.file, card.mime, card.width, card.height = asset.file.name, asset.mime, asset.width, asset.height
        card.sha256 = asset.sha256
        card.save()


def _drawn(random: Random, width: int, height: int) -> bytes:
    """A sky, a sun and four ridges."""
    small = (width // 3, height // 3)
    hue = random.randrange(255)
    image = Image.new("HSV", small, (hue, 70, 245))
    draw = ImageDraw.Draw(image)
    x, y, size = random.randrange(small[0]), random.randrange(small[1] // 3), small[1] // random.randint(8, 14)
    draw.ellipse((x - size, y - size, x + size, y + size), fill=((hue + 30) % 256, 90, 255))
    for ridge in range(1, 5):
        level = small[1] * (0.25 + 0.16 * ridge)
        points = [(step, level + random.uniform(-1, 1) * small[1] / 12) for step in range(0, small[0] + 40, 40)]
        draw.polygon(
            [*points, (small[0], small[1]), (0, small[1])],
            fill=((hue + 6 * ridge) % 256, 60 + 34 * ridge, 225 - 42 * ridge),
        )
    into = BytesIO()
    soft = image.convert("RGB").filter(ImageFilter.SMOOTH).resize((width, height), Image.Resampling.BICUBIC)
    soft.save(into, "JPEG", quality=84)
    return into.getvalue()
