"""The library: its grid, bringing something in, and the page of one picture."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views import View

from publishing import queries, rendering, storing, uploading
from publishing.forms.assets import AssetForm, CropForm, UploadForm
from publishing.models import Asset, LinkCard, Rendition
from publishing.permissions import (
    access_asset,
    access_card,
    access_rendition,
    may_draft_somewhere,
    visible_assets,
    visible_posts,
    visible_publications,
)
from socialops.lib.files import handed_out
from socialops.lib.refusals import add_refusal

PAGE = 60
CROPS = [(each.value, each.label) for each in Rendition.Format if each.value in rendering.RATIOS]


class AssetListView(View):
    """?q= ?folder= ?tag= ?kind= ?needs= narrow it, ?before= is the cursor of the page before."""

    def get(self, request: HttpRequest) -> HttpResponse:
        assets = visible_assets(request.user.person)
        page, following, total = queries.asset_page(assets, request.GET, PAGE)
        query = request.GET.copy()
        query["before"] = following
        context = {
            "assets": page, "total": total, "shelves": queries.shelves(assets), "kinds": Asset.Kind.choices,
            "asked": {name: request.GET.get(name, "") for name in ("q", "folder", "tag", "kind", "needs")},
            "may_upload": may_draft_somewhere(request.user.person),
            "next": f"?{query.urlencode()}" if following else "",
        }  # fmt: skip
        return render(request, "publishing/asset_list.html", context)


class AssetNewView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        storing.require_draft(request.user.person)
        form = UploadForm(person=request.user.person, initial={"folder": request.GET.get("folder", "")})
        return render(request, "publishing/asset_new.html", {"form": form})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = UploadForm(request.POST, request.FILES, person=request.user.person)
        if form.is_valid():
            try:
                said = form.cleaned_data
                asset = uploading.stored(request.user.person, said["file"], said["upload"], **form.said)
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, "It is in the library.")
                return redirect("asset", asset.pk)
        return render(request, "publishing/asset_new.html", {"form": form}, status=422)


class AssetView(View):
    """GET shows it; POST says something else about it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _asset_page(request, access_asset(request.user, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        asset = access_asset(request.user, pk)
        form = AssetForm(request.POST, person=request.user.person)
        if form.is_valid():
            try:
                storing.describe(asset, request.user.person, **form.said)
            except (ValidationError, PermissionDenied) as error:
                add_refusal(form, error)
            else:
                messages.success(request, "Saved.")
                return redirect("asset", pk)
        return _asset_page(request, asset, form, 422)


class AssetArchivingView(View):
    """POST archives it, or with `back` brings it back."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        verb = storing.bring_back if request.POST.get("back") else storing.archive
        verb(access_asset(request.user, pk), request.user.person)
        return redirect("asset", pk)


class AssetCropView(View):
    """GET shows which part of the picture a format keeps; POST keeps another: x, y, width in percent, or a `place`."""

    def get(self, request: HttpRequest, pk: int, format: str) -> HttpResponse:
        return _crop_page(request, access_asset(request.user, pk), format)

    def post(self, request: HttpRequest, pk: int, format: str) -> HttpResponse:
        asset, form = access_asset(request.user, pk), CropForm(request.POST)
        if form.is_valid():
            try:
                rendering.crop(asset, format, request.user.person, **form.box(asset, format))
            except (ValidationError, PermissionDenied) as error:
                add_refusal(form, error)
            else:
                messages.success(request, "Kept. Posts that show it already go on showing what was approved.")
                return redirect("asset", pk)
        return _crop_page(request, asset, format, form, 422)


class TakedownListView(View):
    """What is out there although the rights to a picture of it have ended."""

    def get(self, request: HttpRequest) -> HttpResponse:
        person = request.user.person
        found = queries.takedowns(visible_assets(person), visible_publications(person))
        return render(request, "publishing/takedown_list.html", {"takedowns": found})


class RenditionFileView(View):
    """The file itself, for whoever may see it at this moment."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        return file_of(request, access_rendition(request.user, pk))


class CardPictureView(View):
    """The picture of a link card."""

    def get(self, request: HttpRequest, sha256: str) -> HttpResponseBase:
        return file_of(request, access_card(request.user, sha256))


def file_of(request: HttpRequest, rendition: Rendition | LinkCard) -> HttpResponseBase:
    """For whoever was found to have a right to it; asked anew at each fetch."""
    tag = f'"{rendition.sha256}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified(headers={"ETag": tag, "Cache-Control": "private, no-cache"})
    try:
        file = rendition.file.open("rb")
    except FileNotFoundError as error:
        raise Http404("The file is not where it was kept. Ask whoever runs Socialops.") from error
    stem = f"asset-{rendition.asset_id}" if isinstance(rendition, Rendition) else f"card-{rendition.pk}"
    name = f"{stem}.{rendition.file.name.rpartition('.')[2]}"
    response = handed_out(file, name, rendition.mime)
    response["ETag"], response["Cache-Control"] = tag, "private, no-cache"
    return response


def _asset_page(request: HttpRequest, asset: Asset, form: AssetForm | None = None, status: int = 200) -> HttpResponse:
    person = request.user.person
    made = {each.format: each for each in asset.renditions.filter(limit_bytes=None).order_by("pk")}
    context = {
        "asset": asset, "form": form or AssetForm(person=person, initial=AssetForm.told(asset, person)),
        "original": made.get("original"), "may_edit": may_draft_somewhere(person),
        "formats": [(format, words, made.get(format)) for format, words in CROPS],
        "posts": queries.used_in(asset, visible_posts(person))[:20],
    }  # fmt: skip
    return render(request, "publishing/asset_detail.html", context, status=status)


def _crop_page(
    request: HttpRequest, asset: Asset, format: str, form: CropForm | None = None, status: int = 200
) -> HttpResponse:
    if format not in rendering.RATIOS or asset.kind != Asset.Kind.IMAGE:
        raise Http404("Only pictures that stand still are cut, to one of the formats.")
    storing.require_draft(request.user.person)
    made = asset.renditions.filter(format=format, limit_bytes=None).order_by("-pk").first()
    x, y, w, h = rendering.box_of(made) if made else rendering.middle(asset, rendering.RATIOS[format])
    context = {
        "asset": asset, "format": format, "words": dict(CROPS)[format],
        "original": asset.renditions.filter(format="original").first(),
        "box": {"x": x * asset.width, "y": y * asset.height, "w": w * asset.width, "h": h * asset.height},
        "form": form or CropForm(initial={"x": round(100 * x, 1), "y": round(100 * y, 1), "width": round(100 * w, 1)}),
    }  # fmt: skip
    return render(request, "publishing/asset_crop.html", context, status=status)
