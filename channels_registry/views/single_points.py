"""Where everything hangs on one person."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from channels_registry.models import Channel
from channels_registry.permissions import oversight
from channels_registry.queries.single_points import KINDS, roles_of_one, single_points


class SinglePointsView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        sight, asked = oversight(request.user.person), request.GET
        kind = asked.get("kind", "") if asked.get("kind") in KINDS else ""
        risk = asked.get("risk", "") if asked.get("risk") in Channel.RiskTier.values else ""
        page = single_points(sight, kind, risk, asked.get("after", "")[:200])
        kept = {name: value for name, value in (("kind", kind), ("risk", risk)) if value}
        context = {
            "page": page,
            "rows": [(row.channel, [(KINDS[each], person) for each, person in row.points]) for row in page.rows],
            "roles": roles_of_one() if sight.everything and not asked.get("after") else [],
            "kinds": KINDS.items(),
            "risks": [(tier.value, f"{tier.label} risk") for tier in Channel.RiskTier],
            "kind": kind,
            "risk": risk,
            "next": f"?{urlencode(kept | {'after': page.next})}" if page.next else "",
        }
        return render(request, "channels_registry/single_points.html", context)
