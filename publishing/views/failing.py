"""What a channel's connection takes with it when it ends: read here, shown on the connection's own pages."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from channels_registry.permissions import access_channel
from channels_registry.queries import connections_of
from publishing import queries

SHOWN = 20


class FailingPostsView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel = access_channel(request.user, pk)
        connection, _ = connections_of(channel)
        found = list(queries.failing_with(connection)[: SHOWN + 1]) if connection else []
        context = {"channel": channel, "connection": connection, "posts": found[:SHOWN], "more": len(found) > SHOWN}
        return render(request, "publishing/failing_posts.html", context)
