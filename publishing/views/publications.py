"""What is out, due, late, unknown, blocked or missed, and what a person can do about it."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from channels_registry import permissions as channel_permissions
from publishing import holding, queries, resolving, scheduling
from publishing.forms import AddressForm, add_errors
from publishing.models import Publication
from publishing.permissions import access_publication, visible_publications

PAGE = 50


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


class ActionView(View):
    """POST does one thing to a publication and shows it again."""

    done = ""

    def act(self, publication: Publication, request: HttpRequest) -> object:
        """The verb. Raises ValidationError or PermissionDenied with words for the person who reads them."""
        raise AssertionError("each action says what it does")

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        try:
            self.act(access_publication(request.user, pk), request)
            messages.success(request, self.done)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("publication", pk)


class CancellationView(ActionView):
    done = "Cancelled. It does not go out."

    def act(self, publication: Publication, request: HttpRequest) -> object:
        return scheduling.cancel(publication, request.user.person, request.POST.get("reason", ""))


class AdoptionView(ActionView):
    done = "You answer for it now."

    def act(self, publication: Publication, request: HttpRequest) -> object:
        return scheduling.adopt(publication, request.user.person)


class KeepingView(ActionView):
    done = "It goes out at its time."

    def act(self, publication: Publication, request: HttpRequest) -> object:
        return holding.keep(publication, request.user.person)


class ResendingView(ActionView):
    done = "It is sent again."

    def act(self, publication: Publication, request: HttpRequest) -> object:
        return resolving.send_again(publication, request.user.person)


class AbsenceView(ActionView):
    done = "Noted: it is not out."

    def act(self, publication: Publication, request: HttpRequest) -> object:
        return resolving.confirm_absent(publication, request.user.person)


class ConfirmationView(View):
    """POST the post's address: it is out."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        publication, form = access_publication(request.user, pk), AddressForm(request.POST)
        if form.is_valid():
            try:
                resolving.confirm_out(publication, request.user.person, form.cleaned_data["url"])
            except ValidationError as error:
                add_errors(form, error)
            else:
                messages.success(request, "Noted: it is out.")
                return redirect("publication", pk)
        return _page(request, publication, form, status=422)


def _page(
    request: HttpRequest, publication: Publication, form: AddressForm | None = None, status: int = 200
) -> HttpResponse:
    person = request.user.person
    context = {
        "publication": publication, "post": publication.variant.post, "form": form or AddressForm(),
        "attempts": publication.attempts.order_by("-fence"), "told": scheduling.told(publication),
        "preview": queries.preview_of(publication.variant, publication.text),
        "may_publish": channel_permissions.may(person, "publish", publication.channel),
        "orphaned": not channel_permissions.may(publication.answerable, "publish", publication.channel),
        "waiting": publication.state in scheduling.WAITING, "ahead": publication.due_at > queries.now(),
        "second": publication.answerable_id != person.pk,
    }  # fmt: skip
    return render(request, "publishing/publication_detail.html", context, status=status)
