"""Which column of a file says what about a post: the fields there are, and a guess from the headers."""

import re
from collections.abc import Iterable, Mapping, Sequence

from channels_registry.models import Channel
from socialops.lib.sheets import plain, twice

# field: its label and the headers that mean it, as they are compared (sheets.plain)
FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "key": ("Key", ("key", "id", "postid", "externalid", "reference", "ref", "schlussel", "cle")),
    "channels": (
        "Channels",
        ("channels", "channel", "accounts", "account", "profiles", "profile", "pages", "page", "handle", "kanal",
         "kanale", "canal", "canaux", "konto", "compte"),
    ),
    "text": (
        "Text",
        ("text", "message", "post", "caption", "copy", "content", "body", "posttext", "master", "texte", "nachricht"),
    ),
    "title": ("Title", ("title", "titel", "titre", "name", "headline", "subject", "internaltitle")),
    "why_now": ("Why now", ("whynow", "why", "reason", "brief", "warum", "pourquoi", "grund")),
    "at": (
        "Date and time",
        ("dateandtime", "datetime", "scheduledat", "scheduledtime", "schedule", "scheduled", "publishat",
         "publishtime", "postat", "postingtime", "when", "wantedat", "timestamp"),
    ),
    "date": ("Date", ("date", "day", "publishdate", "postdate", "scheduleddate", "datum", "jour", "tag1")),
    "time": ("Time", ("time", "hour", "uhrzeit", "zeit", "heure")),
    "zone": ("Time zone", ("timezone", "tz", "zone", "zeitzone", "fuseauhoraire")),
    "campaign": ("Campaign", ("campaign", "kampagne", "campagne", "campaignname")),
    "tags": ("Tags", ("tags", "labels", "label", "tag", "etiquettes", "schlagworter")),
    "link": ("Link", ("link", "url", "links", "linkurl", "lien", "landingpage")),
    "picture": ("Picture", ("picture", "image", "media", "photo", "asset", "bild", "visual", "medium")),
}  # fmt: skip
OWN = re.compile(r"(?:own )?(?:text|message|caption|copy) (?:on|for) (.+)", re.IGNORECASE)


def own_text(channel: Channel) -> str:
    """The field that holds the channel's own text."""
    return f"text_{channel.pk}"


def spellings(channel: Channel) -> list[str]:
    """What a file may call a channel; the first is the one that is written, and means no other."""
    return [f"{channel.network}:{channel.handle}", channel.handle, channel.name, str(channel), str(channel.pk)]


def fields_for(channels: Iterable[Channel]) -> dict[str, str]:
    """Every field with its label: those of the post, then a text of its own for each channel."""
    return {name: label for name, (label, _) in FIELDS.items()} | {own_text(c): f"Text on {c}" for c in channels}


def guessed(headers: Sequence[str], channels: Iterable[Channel]) -> dict[str, int]:
    """field: the place of its column. A header means one field, a field one column: the first that fits."""
    own = {word.casefold(): own_text(c) for c in channels for word in reversed(spellings(c))}
    meant = {word: name for name, (_, words) in FIELDS.items() for word in words}
    found: dict[str, int] = {}
    for place, header in enumerate(headers):
        named = OWN.fullmatch(header.strip())
        name = own.get(named[1].strip().casefold()) if named else meant.get(plain(header))
        if name:
            found.setdefault(name, place)
    return found


def problems_of_mapping(mapping: Mapping[str, int]) -> dict[str, str]:
    """What is missing for there to be posts, by field. Empty: nothing."""
    found = {}
    if "channels" not in mapping:
        found["channels"] = "Choose the column that says where each post goes."
    if not any(name.startswith("text") for name in mapping):
        found["text"] = "Choose the column with the text of the posts."
    return found | twice(mapping)
