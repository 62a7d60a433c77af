"""What is out, due, late, unknown, blocked or missed, and what a person can do about it."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts.models import Person
from channels_registry import permissions as channel_permissions
from publishing import holding, queries, resolving, scheduling
from publishing.forms import AddressForm
from publishing.models import Publication
from publishing.permissions import access_publication, visible_publications
from socialops.lib.delivery.late import acceptance_in
from socialops.lib.refusals import add_refusal

PAGE = 50
VERBS: dict[str, tuple[Callable[[Publication, Person], object], str]] = {  # with what is said when it is done
    "cancel": (scheduling.cancel, "Cancelled. It does not go out."),
    "adopt": (scheduling.adopt, "You answer for it now."),
    "keep": (holding.keep, "It goes out at its time."),
    "send_again": (resolving.send_again, "It is sent again."),
    "confirm_absent": (resolving.confirm_absent, "Noted: it is not out."),
}


class PublicationListView(View):
    """?state= one of queries.SHELVES, by default what needs somebody; ?answerable= whose, by the person's number."""

    def get(self, request: HttpRequest) -> HttpResponse:
        publications = visible_publications(request.user.person)
        whose = request.GET.get("answerable", "")
        only = f"&answerable={whose}" if whose.isdecimal() and len(whose) < 18 else ""
        if only:
            publications = publications.filter(answerable=int(whose))
        counts = queries.shelf_counts(publications)
        shelf = request.GET.get("state", "")
        shelf = shelf if shelf in queries.SHELVES else next((s for s in queries.URGENT if counts[s]), "due")
        page, following = queries.publication_page(publications, shelf, request.GET.get("before", ""), PAGE)
        context = {
            "publications": page, "shelf": shelf, "counts": counts, "total": counts[shelf],
            "only": only, "shelves": [(name, words, counts[name]) for name, (words, _) in queries.SHELVES.items()],
            "next": f"?state={shelf}&before={following}{only}" if following else "",
        }  # fmt: skip
        return render(request, "publishing/publication_list.html", context)


class PublicationView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _page(request, access_publication(request.user, pk))


class VerbView(View):
    """POST does one verb to a publication and shows it again. urls.py names which."""

    act = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        verb, done = VERBS[self.act]
        try:
            verb(access_publication(request.user, pk), request.user.person)
            messages.success(request, done)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("publication", pk)


class ConfirmationView(View):
    """POST the post's address: it is out."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        publication, form = access_publication(request.user, pk), AddressForm(request.POST)
        if form.is_valid():
            try:
                resolving.confirm_out(publication, request.user.person, form.cleaned_data["url"])
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, "Noted: it is out.")
                return redirect("publication", pk)
        return _page(request, publication, form, status=422)


def _page(
    request: HttpRequest, publication: Publication, form: AddressForm | None = None, status: int = 200
) -> HttpResponse:
    person, attempts = request.user.person, list(publication.attempts.order_by("-fence"))
    late = None if publication.state == "done" else acceptance_in(attempts)
    context = {
        "publication": publication, "post": publication.variant.post, "late": late,
        "form": form or AddressForm(initial={"url": late["remote_url"]} if late else None),
        "attempts": attempts, "told": scheduling.told(publication),
        "preview": queries.preview_of(publication.variant, publication.text),
        "may_publish": channel_permissions.may(person, "publish", publication.channel),
        "orphaned": not channel_permissions.may(publication.answerable, "publish", publication.channel),
        "waiting": publication.state in scheduling.WAITING and not late, "ahead": publication.due_at > queries.now(),
        "asked": late or publication.state == "needs_human", "second": publication.answerable_id != person.pk,
    }  # fmt: skip
    return render(request, "publishing/publication_detail.html", context, status=status)
