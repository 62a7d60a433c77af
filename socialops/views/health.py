"""For machines: am I alive, can I serve, and how is everything going."""

import ipaddress
import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from socialops import metrics, probes


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks nobody, so that a broken database does not restart every web process."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Pages can be served: 200, else 503. What to mend is for who may read the metrics: it names our machines.

    The broker is named but decides nothing: pages do without it.
    """
    found = [probes.database(), probes.migrations()]
    ready = all(finding.well for finding in found)
    answer: dict[str, bool | str] = {"ready": ready}
    if _may_look_inside(request):
        answer |= {finding.part: "ok" if finding.well else finding.mend for finding in [*found, probes.broker()]}
    return JsonResponse(answer, status=200 if ready else 503)


@require_safe
@never_cache
def metrics_page(request: HttpRequest) -> HttpResponse:
    """Prometheus text. With METRICS_TOKEN: whoever sends it as a bearer token; without: this machine only."""
    if not _may_look_inside(request):
        return HttpResponse("Send METRICS_TOKEN as a bearer token.\n", status=403, content_type="text/plain")
    registry = CollectorRegistry()
    registry.register(metrics.FromDatabase())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_look_inside(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return secrets.compare_digest(sent.encode(), settings.METRICS_TOKEN.encode())
    if "X-Forwarded-For" in request.headers:  # a proxy on this machine speaks for somebody else
        return False
    return ipaddress.ip_address(request.META["REMOTE_ADDR"] or "0.0.0.0").is_loopback  # noqa: S104 (says: unknown)
