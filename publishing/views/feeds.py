"""The calendar in other programs: one's private links, and the feed that such a link opens."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views import View

from accounts.models import Role
from accounts.permissions import access_person, has_role
from publishing import feeding
from publishing.forms.planning import FeedForm
from publishing.permissions import access_feed
from publishing.queries import saved_views
from publishing.queries.calendar import ALL, Filters
from socialops.lib.refusals import add_refusal

# Kept by whoever asked, and asked about each time; what stands between keeps nothing.
KEPT = {"Cache-Control": "private, no-cache", "CDN-Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


class FeedListView(View):
    """GET lists one's links; POST makes one for the calendar that the address describes, and shows it this once."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _list(request, FeedForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form, filters = FeedForm(request.POST), Filters.read(request.GET)
        if not form.is_valid():
            return _list(request, form, status=422)
        said = form.cleaned_data
        try:
            _, link = feeding.make_feed(request.user.person, said["name"], filters, said["whole_text"])
        except ValidationError as error:
            add_refusal(form, error)
            return _list(request, form, status=422)
        return _list(request, FeedForm(), link=link)


class FeedEndingView(View):
    """POST ends a link: by its person, or an administrator, who goes back to that person's page."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        feed = access_feed(request.user, pk)
        try:
            feeding.end_feed(feed, request.user.person)
            messages.success(request, "Ended. Who reads it gets nothing any more.")
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("feed_list") if feed.person_id == request.user.person_id else redirect("person", feed.person_id)


class PersonFeedsView(View):
    """A person's links, for administrators: a part of that person's page, and a page of its own."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        person = access_person(request.user, pk)
        if not has_role(request.user.person, Role.ADMIN):
            return HttpResponse(status=204)  # the person's page is everybody's, so its readers are not told off
        part = "#links" if request.htmx else ""
        context = {"person": person, "feeds": feeding.links_of(person).order_by("-made_at")}
        return render(request, f"publishing/person_feeds.html{part}", context)


class FeedView(View):
    """Open to whoever has the link. One that opens nothing (any more) answers as if it had never been."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            found = feeding.read(token)
        except feeding.TooOften:
            return _plain("This link is read too often. Ask again in half an hour.", 429, {"Retry-After": "1800"})
        if found is None:
            return _plain("There is no such calendar.", 404, {})
        feed, document = found
        tag, changed = f'"{feed.tag}"', feed.changed_at
        answer = HttpResponse(document, content_type="text/calendar; charset=utf-8", headers=KEPT | {"ETag": tag})
        answer["Last-Modified"] = http_date(changed.timestamp())
        return get_conditional_response(request, tag, int(changed.timestamp()), answer) or answer


def _plain(words: str, status: int, headers: dict[str, str]) -> HttpResponse:
    return HttpResponse(words, status=status, content_type="text/plain; charset=utf-8", headers=KEPT | headers)


def _list(request: HttpRequest, form: FeedForm, link: str = "", status: int = 200) -> HttpResponse:
    person, filters = request.user.person, Filters.read(request.GET)
    feeds = list(feeding.links_of(person).order_by("-made_at"))
    told = saved_views.told(person, [Filters(**feed.filters) for feed in feeds] + [filters])
    context = {
        "feeds": list(zip(feeds, told, strict=False)), "form": form, "link": link, "shows": told[-1],
        "narrowed": filters != ALL,
    }  # fmt: skip
    return render(request, "publishing/feed_list.html", context, status=status)
