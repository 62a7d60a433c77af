"""What a post said before, and going back to it."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from publishing import drafting, queries, restoring
from publishing.models import Post
from publishing.permissions import access_post
from publishing.rights import rights_on
from socialops.lib.numbers import number as whole_number


class RevisionListView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        post = access_post(request.user, pk)
        return render(request, "publishing/revision_list.html", {"post": post, "history": queries.history(post)})


class RevisionView(View):
    """GET: as it would appear, and what is different now. POST brings its words back as a new revision."""

    def get(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        return _page(request, access_post(request.user, pk), number)

    def post(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        post, known = access_post(request.user, pk), whole_number(request.POST.get("expected_revision")) or 0
        try:
            restoring.restore(post, request.user.person, number, known)
        except drafting.Conflict as conflict:
            messages.error(request, f"{conflict.theirs.by} saved this post meanwhile. Look at it, then decide again.")
            return redirect("revision", pk, number)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("revision", pk, number)
        messages.success(request, f"The text of revision {number} is back, as a new revision.")
        return redirect("post", pk)


def _page(request: HttpRequest, post: Post, number: int) -> HttpResponse:
    revisions = {r.number: r for r in post.revisions.filter(number__in=(number, post.revision_number))}
    if number not in revisions:
        raise Http404("There is no such revision.")
    variants = queries.variants_of(post)
    channels = [v.channel for v in variants]
    old, now = revisions[number], revisions[post.revision_number]
    context = {
        "post": post, "revision": old, "previews": queries.as_asked(old, variants), "latest": old == now,
        "differences": queries.differences(old, now, {c.pk: c.name for c in channels}),
        "may_edit": len(rights_on(request.user.person, channels, "draft")["draft"]) == len(channels) > 0,
    }  # fmt: skip
    return render(request, "publishing/revision_detail.html", context)
