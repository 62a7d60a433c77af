"""Pictures on a post: the panel below the composer, and choosing one from the library or a new file."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from publishing import attaching, queries, uploading
from publishing.forms.assets import AttachForm, PictureForm
from publishing.models import Asset, Post, Revision
from publishing.permissions import access_asset, access_post, may_draft_somewhere, visible_assets
from socialops.lib.refusals import add_refusal

PAGE = 24


class PostMediaView(View):
    """GET offers the library (?q=, ?before=) and an upload; POST attaches: `asset`, or a `file` brought in first."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _choose(request, access_post(request.user, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        post, person = access_post(request.user, pk), request.user.person
        form = AttachForm(request.POST, request.FILES)
        if not form.is_valid():
            return _choose(request, post, form, 422)
        said, asset = form.cleaned_data, None
        try:
            asset = _wanted(request, form)
            alt = said["alt_text"] or None
            attaching.attach(post, asset, person, expected_revision=said["expected_revision"], alt=alt)
        except (ValidationError, PermissionDenied) as error:
            add_refusal(form, error, asset="file", expected_revision="")
            if asset and (said["file"] or said["upload"]):
                form.add_error(None, f"“{asset.title}” is in the library; it is not on the post yet.")
            return _choose(request, post, form, 422)
        messages.success(request, "The picture is on the post.")
        return redirect(_panel(pk))


class PictureView(View):
    """POST gives a picture of the post another alt text, another format, or to more of its channels."""

    def post(self, request: HttpRequest, pk: int, asset_pk: int) -> HttpResponse:
        def change(post: Post, said: dict) -> Revision:
            asset = access_asset(request.user, asset_pk)
            more = {"channels": [said["channel"]]} if said["channel"] else {}
            return attaching.attach(
                post, asset, request.user.person, expected_revision=said["expected_revision"],
                format=said["format"] or "original", alt=said["alt"], **more,
            )  # fmt: skip

        return _changed(request, pk, change)


class PictureOrderView(View):
    def post(self, request: HttpRequest, pk: int, asset_pk: int) -> HttpResponse:
        places = -1 if request.POST.get("towards") == "start" else 1
        return _changed(request, pk, lambda post, said: attaching.move(
            post, asset_pk, request.user.person, expected_revision=said["expected_revision"], places=places
        ))  # fmt: skip


class PictureRemovalView(View):
    def post(self, request: HttpRequest, pk: int, asset_pk: int) -> HttpResponse:
        return _changed(request, pk, lambda post, said: attaching.detach(
            post, asset_pk, request.user.person, expected_revision=said["expected_revision"]
        ))  # fmt: skip


def _changed(request: HttpRequest, pk: int, change: Callable[[Post, dict], Revision]) -> HttpResponse:
    """The change, and back to the panel; a refusal is said there."""
    post, form = access_post(request.user, pk), PictureForm(request.POST)
    try:
        if not form.is_valid():
            raise ValidationError("Open the post again: what was sent is not complete.")
        change(post, form.cleaned_data)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect(_panel(pk))


def _wanted(request: HttpRequest, form: AttachForm) -> Asset:
    said = form.cleaned_data
    if said["file"] or said["upload"]:
        return uploading.stored(request.user.person, said["file"], said["upload"], alt_text=said["alt_text"])
    found = visible_assets(request.user.person).filter(pk=said["asset"]).first() if said["asset"] else None
    if found is None:
        raise ValidationError({"file": "Choose a picture from the library, or a file."})
    return found


def _choose(request: HttpRequest, post: Post, form: AttachForm | None = None, status: int = 200) -> HttpResponse:
    assets, following, total = queries.asset_page(visible_assets(request.user.person), request.GET, PAGE)
    query = request.GET.copy()
    query["before"] = following
    context = {
        "post": post, "form": form or AttachForm(), "assets": assets, "total": total, "q": request.GET.get("q", ""),
        "revision": post.revision_number, "may_upload": may_draft_somewhere(request.user.person),
        "next": f"?{query.urlencode()}" if following else "",
    }  # fmt: skip
    return render(request, "publishing/post_media.html", context, status=status)


def _panel(pk: int) -> str:
    return reverse("post", args=[pk]) + "#media"
