"""What is kept while somebody writes. static/js/composer.js asks for it; what it answers stands around the form."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views import View

from publishing import autosaving, queries
from publishing.forms.posts import PostForm
from publishing.models import Editing, Post
from publishing.permissions import access_post, access_unsaved


class AutosaveNewView(View):
    """POST the fields of a new post: the first words make it a draft. 204 as long as there are none."""

    def post(self, request: HttpRequest) -> HttpResponse:
        person, form = request.user.person, PostForm(request.POST, person=request.user.person)
        said = form.cleaned_data if form.is_valid() else {}
        if not said.get("tab") or not said["text"].strip():
            return HttpResponse(status=204)
        given = [said[name] for name in ("tab", "channels", "text", "title", "why_now")]
        try:
            post = autosaving.begin(person, *given)
            editing = autosaving.keep(post, person, said["tab"], form.written, post.revision_number)
        except ValidationError as error:
            return _not_kept(error)
        return _told(request, post, editing)


class AutosaveView(View):
    """POST the fields as they stand, or nothing but the tab: the page is still open."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        post, person = access_post(request.user, pk), request.user.person
        channels = [v.channel for v in queries.variants_of(post)]
        form = PostForm(request.POST, person=person, chosen=channels)
        form.is_valid()  # half a text is kept as well
        tab = form.cleaned_data.get("tab")
        if tab is None:
            return HttpResponse(status=204)
        fields = form.written if "text" in request.POST else None
        try:
            editing = autosaving.keep(post, person, tab, fields, form.cleaned_data.get("expected_revision") or 0)
        except ValidationError as error:
            return _not_kept(error)
        return _told(request, post, editing)


class UnsavedView(View):
    """POST throws one's unsaved text away."""

    def post(self, request: HttpRequest, pk: int, unsaved: int) -> HttpResponse:
        post = access_post(request.user, pk)
        autosaving.drop(access_unsaved(request.user, post, unsaved), request.user.person)
        return redirect("post", pk)


def restored(request: HttpRequest, post: Post, pk: int) -> PostForm:
    """The composer with what was not saved."""
    editing = access_unsaved(request.user, post, pk)
    data = QueryDict(mutable=True)
    for name, values in (editing.unsaved or {}).items():
        data.setlist(name, values)
    data["expected_revision"], data["restored"] = str(editing.began_at), str(editing.pk)
    form = PostForm(data, person=request.user.person, chosen=[v.channel for v in queries.variants_of(post)])
    form.is_valid()
    return form


def _not_kept(error: ValidationError) -> HttpResponse:
    return HttpResponse(" ".join(error.messages), status=422, content_type="text/plain")


def _told(request: HttpRequest, post: Post, editing: Editing) -> HttpResponse:
    newer = None
    if editing.unsaved is not None and editing.began_at < post.revision_number:
        newer = post.revisions.select_related("by").latest("number")
    presence = queries.presence(post, request.user.person, editing.tab)
    context = {"post": post, "editing": editing, "presence": presence, "newer": newer}
    return render(request, "publishing/_autosaved.html", context)
