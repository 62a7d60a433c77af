"""What is said, and not refused, when two posts come close on one channel."""

from django.contrib import messages
from django.http import HttpRequest

from publishing.models import Publication
from publishing.queries import silences


def warn_of_crowding(request: HttpRequest, publication: Publication) -> None:
    """Two posts within ten minutes for the same people: said, not refused."""
    if others := silences.close_to(publication):
        names = ", ".join(f"“{one.variant.post.title}”" for one in others)
        messages.warning(request, f"Within ten minutes of it {publication.channel.name} has {names}.")
