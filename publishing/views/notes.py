"""Notes on days of the calendar."""

from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views import View

from publishing import noting
from publishing.forms.planning import NoteForm
from publishing.models import Note
from publishing.permissions import access_note, may_plan
from socialops.lib.refusals import add_refusal

MOST = 200


class NoteListView(View):
    """GET shows what is written onto the days ahead, with the form for who plans (?first= a date); POST adds one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _list(request, NoteForm(initial={"first": request.GET.get("first", "")[:10]}))

    def post(self, request: HttpRequest) -> HttpResponse:
        person, form = request.user.person, NoteForm(request.POST)
        if not may_plan(person):
            raise PermissionDenied("Only somebody who may write posts, or a social lead, writes notes.")
        if form.is_valid():
            try:
                note = noting.add_note(person, **form.cleaned_data)
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, "Written onto the calendar.")
                return redirect(_there(note))
        return _list(request, form, status=422)


class NoteView(View):
    """GET shows it, with the form for who plans; POST changes it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        note = access_note(request.user, pk)
        return _page(request, note, NoteForm(note=note))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        note, form = access_note(request.user, pk), NoteForm(request.POST)
        if form.is_valid():
            try:
                changed = noting.change_note(note, request.user.person, **form.cleaned_data)
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, "Changed.")
                return redirect(_there(changed))
        return _page(request, note, form, status=422)


class NoteRemovalView(View):
    """POST takes it off the calendar."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        note = access_note(request.user, pk)
        noting.remove_note(note, request.user.person)
        messages.success(request, f"“{note}” is off the calendar.")
        return redirect("note_list")


def _there(note: Note) -> str:
    return f"{reverse('calendar')}?view=month&from={note.first:%Y-%m-%d}"


def _list(request: HttpRequest, form: NoteForm, status: int = 200) -> HttpResponse:
    person = request.user.person
    today = timezone.now().astimezone(ZoneInfo(person.time_zone)).date()
    ahead = Note.objects.filter(last__gte=today).select_related("campaign", "added_by")
    notes = list(ahead.order_by("first", "pk")[: MOST + 1])
    context = {"notes": notes[:MOST], "cut": len(notes) > MOST, "form": form, "may_plan": may_plan(person)}
    return render(request, "publishing/note_list.html", context, status=status)


def _page(request: HttpRequest, note: Note, form: NoteForm, status: int = 200) -> HttpResponse:
    context = {"note": note, "form": form, "may_plan": may_plan(request.user.person)}
    return render(request, "publishing/note_detail.html", context, status=status)
