"""Webhooks in: /webhooks/<channel>/. Signed over the raw bytes, stored and committed, then 200.

An unknown channel, one without webhooks and a forged signature get the same answer, and none leaves a row.
"""

import logging

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from channels_registry.connecting import webhook_secret
from channels_registry.connector.capabilities import ReceivesWebhooks
from channels_registry.connector.errors import NetworkError
from channels_registry.models import Channel
from inbox import receiving
from socialops.lib.sealing import CannotOpen

log = logging.getLogger(__name__)
LARGEST_BODY = 1024 * 1024


@method_decorator(csrf_exempt, name="dispatch")
class WebhookView(View):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        body = _body(request)
        if body is None:
            return JsonResponse({"error": "This webhook is larger than 1 MiB."}, status=413)
        channel = Channel.objects.filter(pk=pk).exclude(state=Channel.State.ARCHIVED).first()
        if channel is None or not _is_signed(channel, request, body):
            log.warning("webhook for channel %s refused: unknown or not signed", pk)
            return JsonResponse({"error": "This webhook is not signed for this address."}, status=401)
        try:
            receiving.ingest(channel, channel.connector.parse(body), "webhook")
        except (NetworkError, TypeError, ValueError, AttributeError, OverflowError) as error:
            log.warning("webhook for channel %s cannot be read: %s", pk, getattr(error, "detail", "") or repr(error))
            return JsonResponse({"error": "This webhook cannot be read."}, status=422)
        except DatabaseError:
            log.exception("webhook for channel %s could not be stored", pk)
            return JsonResponse({"error": "Send it again in a moment."}, status=503)
        return JsonResponse({"ok": True})


def _body(request: HttpRequest) -> bytes | None:
    """The raw bytes, or None when there are too many; those are never read."""
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_BODY:
            return None
    except ValueError:
        return None
    body = request.read(LARGEST_BODY + 1)
    return body if len(body) <= LARGEST_BODY else None


def _is_signed(channel: Channel, request: HttpRequest, body: bytes) -> bool:
    try:
        network = channel.connector
        secret = webhook_secret(channel)
    except KeyError:
        return False
    except CannotOpen:
        log.exception("the webhook secret of channel %s cannot be opened", channel.pk)
        return False
    if not secret or not isinstance(network, ReceivesWebhooks):
        return False
    headers = {name.lower(): value for name, value in request.headers.items()}
    return network.verify(headers, body, secret)
