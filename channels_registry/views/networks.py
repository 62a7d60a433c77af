"""What each network can do, as its class says, and what our connections really can."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from channels_registry import queries
from channels_registry.connector.capabilities import CAPABILITIES


class CapabilityTableView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        context = {"rows": queries.capability_table(), "capabilities": CAPABILITIES.values()}
        return render(request, "channels_registry/network_list.html", context)
