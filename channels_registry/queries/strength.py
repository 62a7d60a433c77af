"""How far a door lets somebody in: of several, the strongest is shown."""

import re

from channels_registry.models.access_grant import Door
from channels_registry.queries.administrators import ADMIN_WORDS

HERE: dict[str, tuple[int, str]] = {  # how strong, and the word of a cell
    "viewer": (1, "See"),
    "author": (2, "Write"),
    "responder": (3, "Answer"),
    "approver": (4, "Approve"),
    "publisher": (5, "Publish"),
    "manager": (6, "Manage"),
}
THERE = {
    Door.SHARED_LOGIN: 5,
    Door.APP_PASSWORD: 5,
    Door.RECOVERY: 5,
    Door.SESSION: 4,
    Door.APP: 3,
    Door.TOOL_SEAT: 2,
    Door.INVITATION: 1,
}
WORDS = {
    Door.SHARED_LOGIN: "shared login",
    Door.APP_PASSWORD: "app password",
    Door.RECOVERY: "recovery",
    Door.SESSION: "session",
    Door.APP: "app",
    Door.TOOL_SEAT: "tool seat",
    Door.INVITATION: "invited",
}
ADMINISTRATOR = re.compile(ADMIN_WORDS)
LEVELS: dict[str, tuple[str, dict]] = {  # by what people narrow: words, and lookups on grants
    "manage": ("Can manage", {"door": Door.RIGHT, "entitlement": "manager"}),
    "publish": ("Can publish", {"door": Door.RIGHT, "entitlement__in": ("publisher", "manager")}),
    "approve": ("Can approve", {"door": Door.RIGHT, "entitlement__in": ("approver", "manager")}),
    "answer": ("Can answer", {"door": Door.RIGHT, "entitlement__in": ("responder", "manager")}),
    "write": ("Can write", {"door": Door.RIGHT, "entitlement__in": ("author", "publisher", "manager")}),
    "admin": ("Administrator over there", {"door": Door.ROLE, "entitlement__iregex": ADMIN_WORDS}),
    "login": ("Holds a login or password", {"door__in": (Door.SHARED_LOGIN, Door.APP_PASSWORD, Door.RECOVERY)}),
}


def over_there(door: str, entitlement: str) -> tuple[int, str]:
    """(how strong, the word of a cell) for a door that is not a right here."""
    if door != Door.ROLE:
        return THERE.get(Door(door), 1), WORDS.get(Door(door), door)
    return 6 if ADMINISTRATOR.match(entitlement.lower()) else 3, entitlement


def strongest(doors: list[tuple]) -> tuple[int, str, str]:
    """(how strong, the word of the right here, the word of the door over there) of (door, entitlement, ...) each."""
    here = max((HERE.get(each[1], (0, each[1])) for each in doors if each[0] == Door.RIGHT), default=(0, ""))
    there = max((over_there(each[0], each[1]) for each in doors if each[0] != Door.RIGHT), default=(0, ""))
    return max(here[0], there[0]), here[1], there[1]
