"""Messages in: /hooks/people/. Signed over the raw bytes as Standard Webhooks has it, kept and committed, then done.

What is forged, too old or too new gets one answer and leaves no row.
"""

import logging
from datetime import UTC, datetime

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from standardwebhooks import Webhook, WebhookVerificationError

from accounts import entrusting, hearing
from accounts.models import DirectoryKey
from socialops.lib.sealing import CannotOpen

log = logging.getLogger(__name__)
LARGEST_BODY = 256 * 1024


@method_decorator(csrf_exempt, name="dispatch")
class PeopleHookView(View):
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        body = _body(request)
        if body is None:
            return JsonResponse({"error": "This message is larger than 256 KiB."}, status=413)
        try:
            text, key = body.decode(), _signed_by(request, body)
        except UnicodeDecodeError:
            return JsonResponse({"error": "This message is not UTF-8."}, status=400)
        if key is None:
            return JsonResponse({"error": "This message is not signed for this address, or not lately."}, status=401)
        if "\0" in text or len(request.headers["webhook-id"]) > 255:
            return JsonResponse({"error": "This message cannot be kept."}, status=400)
        sent_at = datetime.fromtimestamp(float(request.headers["webhook-timestamp"]), UTC)
        try:
            message, new = hearing.keep(key, request.headers["webhook-id"], text, sent_at)
        except DatabaseError:
            log.exception("a message of %s could not be kept", key)
            return JsonResponse({"error": "Send it again in a moment."}, status=503)
        return self._done(message, new)

    def _done(self, message, new: bool) -> HttpResponse:
        try:
            message = hearing.heed(message)
        except DatabaseError:
            log.exception("message %s is kept and not done yet", message.pk)
            return JsonResponse({"ok": True, "outcome": "kept"}, status=202)
        return JsonResponse({"ok": True, "outcome": message.outcome, "again": not new})


def _body(request: HttpRequest) -> bytes | None:
    """The raw bytes, or None when there are too many; those are never read."""
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_BODY:
            return None
    except ValueError:
        return None
    body = request.read(LARGEST_BODY + 1)
    return body if len(body) <= LARGEST_BODY else None


def _signed_by(request: HttpRequest, body: bytes) -> DirectoryKey | None:
    """The key whose secret signed this within five minutes, if one did."""
    try:
        secrets = entrusting.hook_secrets()
    except CannotOpen:
        log.exception("what checks the signatures of the personnel system cannot be opened here")
        return None
    headers = {name.lower(): value for name, value in request.headers.items()}
    for key, secret in secrets:
        try:
            Webhook(secret).verify(body, headers, json_parse=False)
        except (WebhookVerificationError, ValueError, OverflowError):
            continue
        return key
    return None
