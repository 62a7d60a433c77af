"""Uploads in pieces, in the wire format of tus 1.0 (creation, termination): static/js/upload.js speaks it."""

import base64
import binascii

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views import View

from publishing import uploading
from publishing.models import Upload
from publishing.permissions import access_upload

TUS = {"Tus-Resumable": "1.0.0", "Cache-Control": "no-store"}
PIECE = "application/offset+octet-stream"


class UploadNewView(View):
    """POST with Upload-Length makes room for a file; Location says where its pieces go."""

    def post(self, request: HttpRequest) -> HttpResponse:
        length = _number(request.headers.get("Upload-Length", ""))
        name = _named(request.headers.get("Upload-Metadata", ""))
        try:
            upload = uploading.begin(request.user.person, name, length)
        except ValidationError as error:
            return _said(413, " ".join(error.messages))
        return HttpResponse(status=201, headers={**TUS, "Location": reverse("upload", args=[upload.pk])})

    def options(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        offers = {"Tus-Version": "1.0.0", "Tus-Extension": "creation,termination"}
        return HttpResponse(status=204, headers={**TUS, **offers, "Tus-Max-Size": str(uploading.MOST_BYTES)})


class UploadView(View):
    """HEAD says how much is here, PATCH adds a piece at Upload-Offset, DELETE throws it away."""

    def head(self, request: HttpRequest, key) -> HttpResponse:
        return _at(200, access_upload(request.user, key))

    def patch(self, request: HttpRequest, key) -> HttpResponse:
        upload = access_upload(request.user, key)
        if request.content_type != PIECE:
            return _said(415, f"A piece is sent as {PIECE}.")
        offset = _number(request.headers.get("Upload-Offset", ""))
        try:
            return _at(204, uploading.add(upload, request.user.person, offset, request.body))
        except uploading.Elsewhere as error:
            return _said(409, f"{error}.")
        except ValidationError as error:
            return _said(413, " ".join(error.messages))

    def delete(self, request: HttpRequest, key) -> HttpResponse:
        uploading.drop(access_upload(request.user, key), request.user.person)
        return HttpResponse(status=204, headers=TUS)


def _at(status: int, upload: Upload) -> HttpResponse:
    there = {"Upload-Offset": str(upload.received), "Upload-Length": str(upload.length)}
    return HttpResponse(status=status, headers={**TUS, **there})


def _said(status: int, words: str) -> HttpResponse:
    return HttpResponse(words, status=status, headers=TUS, content_type="text/plain; charset=utf-8")


def _number(value: str) -> int:
    return int(value) if value.isdecimal() and len(value) < 16 else -1


def _named(metadata: str) -> str:
    """The file's name: "filename <base64>" among pairs with commas between them; "" if there is none."""
    pairs = dict(pair.strip().partition(" ")[::2] for pair in metadata.split(","))
    try:
        return base64.b64decode(pairs.get("filename", ""), validate=True).decode().replace("\0", "")
    except (binascii.Error, ValueError):
        return ""
