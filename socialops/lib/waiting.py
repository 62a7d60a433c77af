"""What waits for somebody, in one shape for all apps."""

from dataclasses import dataclass
from datetime import datetime

MEANING = {"risk": "At risk", "held": "Held", "unsure": "Unknown", "ok": "Fine"}


@dataclass(frozen=True)
class Waiting:
    """`due_at` is the clock that runs out (None: no clock). `url` is a path; `action` the verb on the button."""

    title: str
    detail: str
    url: str
    action: str
    due_at: datetime | None = None
    tone: str = "wait"  # ok, wait, risk, held, unsure
    word: str = ""  # what the tag says ("6 days", "One admin"); by default what its tone means

    @property
    def tag(self) -> str:
        return self.word or MEANING.get(self.tone, "Waits")
