"""What is out, due, late, unknown, blocked or missed, and what a person can do about it."""

from collections.abc import Callable
from urllib.parse import quote

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts.models import Person
from channels_registry import networks
from channels_registry import permissions as channel_permissions
from channels_registry.permissions import seen_by
from publishing import correcting, holding, queries, resolving, scheduling
from publishing.forms.publications import AddressForm
from publishing.models import Campaign, Publication
from publishing.permissions import access_publication, visible_publications
from socialops.lib.delivery.late import acceptance_in
from socialops.lib.numbers import number
from socialops.lib.refusals import add_refusal

PAGE = 50
FILTERS = {
    "channel": "channel", "network": "channel__network", "campaign": "variant__post__campaign",
    "answerable": "answerable",
}  # fmt: skip
VERBS: dict[str, tuple[Callable[[Publication, Person], object], str]] = {  # with what is said when it is done
    "cancel": (scheduling.cancel, "Cancelled. It does not go out."),
    "adopt": (scheduling.adopt, "You answer for it now."),
    "keep": (holding.keep, "It goes out at its time."),
    "send_again": (resolving.send_again, "It is sent again."),
    "confirm_absent": (resolving.confirm_absent, "Noted: it is not out."),
}


class PublicationListView(View):
    """?state= one of queries.SHELVES, by default what needs somebody; ?channel=, network=, campaign= and answerable=
    (a person's number) narrow it.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        person = request.user.person
        said = {name: request.GET.get(name, "") for name in FILTERS}
        filters = {name: value for name, value in said.items() if name == "network" or number(value) is not None}
        chosen = {FILTERS[name]: value for name, value in filters.items() if value}
        publications = visible_publications(person).filter(**chosen)
        only = "".join(f"&{name}={quote(value)}" for name, value in filters.items() if value)
        counts = queries.shelf_counts(publications)
        shelf = request.GET.get("state", "")
        shelf = shelf if shelf in queries.SHELVES else next((s for s in queries.URGENT if counts[s]), "due")
        page, following = queries.publication_page(publications, shelf, request.GET.get("before", ""), PAGE)
        context = {
            "publications": page, "shelf": shelf, "counts": counts, "total": counts[shelf], "filters": filters,
            "only": only, "shelves": [(name, words, counts[name]) for name, (words, _) in queries.SHELVES.items()],
            "next": f"?state={shelf}&before={following}{only}" if following else "", "choices": _choices(person),
            "still": queries.standing_still(person)[:20],
        }  # fmt: skip
        return render(request, "publishing/publication_list.html", context)


def _choices(person: Person) -> dict[str, list[tuple[str, str]]]:
    """What a list can be narrowed by: channels one sees, their networks, campaigns, people who answer for something."""
    channels = list(seen_by(person).exclude(state="archived").order_by("name").values_list("pk", "name", "network"))
    slugs = sorted({network for *_, network in channels})
    labels = {slug: networks.network(slug).label for slug in networks.slugs()}
    answer = Person.objects.filter(pk__in=visible_publications(person).values("answerable")).order_by("name")
    campaigns = Campaign.objects.filter(archived_at=None).order_by("name")
    return {
        "channel": [(str(pk), name) for pk, name, _ in channels],
        "network": [(slug, labels.get(slug, slug)) for slug in slugs],
        "campaign": [(str(pk), name) for pk, name in campaigns.values_list("pk", "name")],
        "answerable": [(str(pk), name) for pk, name in answer.values_list("pk", "name")],
    }


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
    change = publication.corrections.select_related("answerable").order_by("-pk").first()
    context = {
        "change": change, "offers": correcting.offered(publication) if publication.state == "done" else {},
        "correctable": change is None or change.state in ("done", "cancelled"),
        "publication": publication, "post": publication.variant.post, "late": late,
        "form": form or AddressForm(initial={"url": late["remote_url"]} if late else None),
        "attempts": queries.attempts_told(attempts),
        "to_do": queries.what_to_do(publication, queries.now()), "told": queries.clocks_told(publication),
        "preview": queries.preview_of(publication.variant, publication.text, publication.card),
        "may_publish": channel_permissions.may(person, "publish", publication.channel),
        "orphaned": not channel_permissions.may(publication.answerable, "publish", publication.channel),
        "waiting": publication.state in scheduling.WAITING and not late, "ahead": publication.due_at > queries.now(),
        "asked": late or publication.state == "needs_human", "second": publication.answerable_id != person.pk,
    }  # fmt: skip
    return render(request, "publishing/publication_detail.html", context, status=status)
