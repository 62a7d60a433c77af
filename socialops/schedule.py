"""Everything that ever happens by itself, on one page. Beat reads it; two beats do no harm."""

SCHEDULE: dict[str, dict] = {}
