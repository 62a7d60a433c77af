"""Placing a hold, what it cannot stop, lifting it, and deciding what it held."""

from datetime import datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts.permissions import has_role
from channels_registry import permissions as channel_permissions
from channels_registry.models import Channel
from channels_registry.permissions import seen_by
from publishing import holding, queries
from publishing.forms.holds import HoldForm, TaskForm, TriageForm
from publishing.models import Campaign, Hold, Post, Publication
from publishing.permissions import LEADS, access_hold, access_hold_task
from publishing.rights import rights_on
from socialops.lib.refusals import add_refusal

MOST = 200  # held posts on one page
LATEST = 20  # decisions shown below them


class HoldListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        holds = Hold.objects.select_related("placed_by", "lifted_by", "channel", "campaign").order_by("-placed_at")
        context = {
            "standing": holds.standing(), "lifted": holds.exclude(lifted_at=None)[:50],
            "may_hold": _whole(request) or _holds_some(request),
        }  # fmt: skip
        return render(request, "publishing/hold_list.html", context)


class HoldNewView(View):
    """GET shows what a hold would stop; POST places it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _page(request, _form(request, request.GET if "scope" in request.GET else None))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = _form(request, request.POST)
        if not form.is_valid():
            return _page(request, form, status=422)
        scope = form.scoped()
        try:
            hold = holding.place(
                request.user.person,
                form.cleaned_data["reason"],
                scope.network,
                scope.channel,
                scope.campaign,
                scope.tag,
            )
        except ValidationError as error:
            add_refusal(form, error)
            return _page(request, form, status=422)
        messages.success(request, f"Held: {hold.scope}. What it cannot stop stands below.")
        return redirect("hold_lifting", hold.pk)


class HoldLiftingView(View):
    """GET shows what is held; POST lifts the hold. What was due meanwhile stays held until somebody decides."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _hold_page(request, access_hold(request.user, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        try:
            hold = holding.lift(access_hold(request.user, pk), request.user.person)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("hold_lifting", pk)
        messages.success(request, f"Lifted: {hold.scope}. What was due meanwhile waits for a decision.")
        return redirect("hold_triage", pk)


class HoldTaskView(View):
    """POST says that something the hold cannot stop was stopped by hand."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        task, form = access_hold_task(request.user, pk), TaskForm(request.POST)
        if form.is_valid():
            try:
                holding.tick_off(task, request.user.person, form.cleaned_data["note"])
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, "Noted.")
                return redirect("hold_lifting", task.hold_id)
        return _hold_page(request, access_hold(request.user, task.hold_id), {task.pk: form}, status=422)


class HoldTriageView(View):
    """GET lists what the hold held; POST decides one or those chosen. What is not decided stays held."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _triage_page(request, access_hold(request.user, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        hold = access_hold(request.user, pk)
        held = {p.pk: p for p in _held(request, hold)}
        form = TriageForm(request.POST, held=held)
        if not form.is_valid():
            return _triage_page(request, hold, form, status=422)
        done, refused = 0, []
        for publication in (held[chosen] for chosen in form.wanted if chosen in held):
            try:
                holding.decide(hold, publication, request.user.person, form.fate, _moved(publication, form))
                done += 1
            except (ValidationError, PermissionDenied) as error:
                said = error.messages if isinstance(error, ValidationError) else [str(error)]
                refused.append(f"“{publication.variant.post.title}”: {' '.join(said)}")
        if done:
            messages.success(request, f"{done} {form.fate}.")
        for words in refused[:5]:
            messages.error(request, words)
        if len(refused) > 5:
            messages.error(request, f"{len(refused) - 5} more could not be {form.fate}.")
        return redirect("hold_triage", pk)


def _moved(publication: Publication, form: TriageForm) -> datetime | None:
    """The same time of its day, on another day."""
    day, wall = form.cleaned_data.get("day"), publication.wall_time
    return datetime.combine(day, wall.time()) if day and form.fate == "moved" else None


def _hold_page(request: HttpRequest, hold: Hold, forms: dict | None = None, status: int = 200) -> HttpResponse:
    """The hold is everybody's to know. Its posts are shown on channels one sees, its tasks to whoever may do them."""
    person = request.user.person
    there = Publication.objects.filter(queries.scope_of(hold), channel__in=seen_by(person).values("pk"))
    counts = there.aggregate(
        scheduled=Count("pk", filter=Q(state="scheduled")), waiting=Count("pk", filter=Q(state="held"))
    )
    held = there.filter(state="scheduled").select_related("channel", "variant__post").order_by("due_at")[:50]
    may_lift = holding.may_hold(person, hold)
    tasks = _tasks(hold, forms or {}) if may_lift or holding.may_tick_off(person, hold) else []
    context = {
        "hold": hold, "held": held, **counts, "may_lift": may_lift, "tasks": tasks,
        "open_tasks": sum(task.done_at is None for task in tasks),
    }  # fmt: skip
    return render(request, "publishing/hold_lifting.html", context, status=status)


def _tasks(hold: Hold, forms: dict) -> list:
    """Each with the form that ticks it off."""
    tasks = list(hold.tasks.select_related("done_by").order_by("pk"))
    for task in tasks:
        task.form = forms.get(task.pk) or TaskForm(auto_id=f"id_{task.pk}_%s")
    return tasks


def _held(request: HttpRequest, hold: Hold) -> list[Publication]:
    mine = seen_by(request.user.person).values("pk")
    held = queries.undecided(hold).filter(channel__in=mine).select_related("channel", "variant__post", "answerable")
    return list(held.order_by("due_at", "pk")[:MOST])


def _triage_page(request: HttpRequest, hold: Hold, form: TriageForm | None = None, status: int = 200) -> HttpResponse:
    held, now = _held(request, hold), queries.now()
    may = rights_on(request.user.person, list({p.channel_id: p.channel for p in held}.values()), "publish")["publish"]
    rows = [(p, p.due_at > now, p.channel_id in may) for p in held]
    decided = list(hold.decisions.select_related("publication__variant__post", "by").order_by("-pk")[:LATEST])
    count = hold.decisions.count() if len(decided) == LATEST else len(decided)
    context = {
        "hold": hold, "rows": rows, "form": form or TriageForm(held=()), "decided": decided, "done": count,
        "all": count + len(held), "chosen": form.data.getlist("chosen") if form else [],
    }  # fmt: skip
    return render(request, "publishing/hold_triage.html", context, status=status)


def _whole(request: HttpRequest) -> bool:
    """Whether they may hold whatever there is."""
    return has_role(request.user.person, *LEADS)


def _holds_some(request: HttpRequest) -> bool:
    """Whether they may hold a channel or a campaign of theirs."""
    person = request.user.person
    own = Campaign.objects.filter(owner=person, archived_at=None)
    return channel_permissions.channels_with(person, "manage").exists() or own.exists()


def _form(request: HttpRequest, data) -> HoldForm:
    person, whole = request.user.person, _whole(request)
    if not whole and not _holds_some(request):
        words = "Only a social lead, an administrator, or who manages a channel or owns a campaign may hold anything."
        raise PermissionDenied(words)
    channels, campaigns = Channel.objects.exclude(state="archived"), Campaign.objects.filter(archived_at=None)
    if not whole:
        channels, campaigns = channel_permissions.channels_with(person, "manage"), campaigns.filter(owner=person)
    tags = [tag for tag, _ in queries.tags_in_use(Post.objects.all())] if whole else []
    return HoldForm(
        data, whole=whole, channels=channels.order_by("name"), campaigns=campaigns.order_by("name"), tags=sorted(tags)
    )


def _page(request: HttpRequest, form: HoldForm, status: int = 200) -> HttpResponse:
    scope = Hold() if form.whole and not form.is_bound else None
    if form.is_bound:
        form.is_valid()
        scope = form.scoped() if "scope" in form.cleaned_data else None
        if request.method == "GET":
            form.errors.clear()
    context: dict = {"form": form, "scope": scope}
    if scope is not None:
        mine = seen_by(request.user.person).values("pk")
        held = queries.held_by(scope).filter(channel__in=mine).select_related("channel", "variant__post")
        context |= {
            "stops": queries.stops(scope), "held": held.order_by("due_at")[:8],
            "cannot_stop": holding.cannot_stop(scope),
        }  # fmt: skip
    return render(request, "publishing/hold_new.html", context, status=status)
