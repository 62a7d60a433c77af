"""Tools: the register, a new one, one with its seats."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts.models import Role
from accounts.permissions import has_role, require_role
from channels_registry import seating
from channels_registry.forms.kept import HolderForm, ToolForm
from channels_registry.models import Tool
from channels_registry.permissions import access_tool, channels_with
from channels_registry.queries import kept as queries
from socialops.lib.refusals import add_refusal


class ToolListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        me = request.user.person
        context = {"tools": queries.tools_seen_by(me)[:200], "may_register": has_role(me, Role.ADMIN)}
        return render(request, "channels_registry/tool_list.html", context)


class ToolNewView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        return self._page(request, ToolForm(by=request.user.person))

    def post(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        form = ToolForm(request.POST, by=request.user.person)
        if form.is_valid():
            try:
                made = seating.register_tool(request.user.person, **form.cleaned_data)
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, f"{made} is registered. Say next who has a seat.")
                return redirect("tool", made.pk)
        return self._page(request, form, 422)

    def _page(self, request, form, status: int = 200) -> HttpResponse:
        return render(request, "channels_registry/tool_new.html", {"form": form}, status=status)


class ToolView(View):
    """GET shows it, POST changes what is said of it, for administrators."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _page(request, access_tool(request.user, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        tool, me = access_tool(request.user, pk), request.user.person
        require_role(me, Role.ADMIN)
        form = ToolForm(request.POST, by=me, auto_id="change_%s")
        return _step(request, tool, form, "change", lambda given: seating.change_tool(tool, me, **given))


class SeatView(View):
    """POST: somebody has a seat; with `remove`, it is to be taken away."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        tool, me = access_tool(request.user, pk), request.user.person
        form = HolderForm(request.POST, auto_id="holder_%s")

        def do(given: dict) -> None:
            if request.POST.get("remove"):
                seating.free(tool, given["person"], me, given["reason"])
            else:
                seating.seat(tool, given["person"], given["level"], me, given["reason"], given["expires_at"])

        return _step(request, tool, form, "holder", do)


def _step(request: HttpRequest, tool: Tool, form, slot: str, do) -> HttpResponse:
    if form.is_valid():
        try:
            do(form.cleaned_data)
        except ValidationError as error:
            add_refusal(form, error)
        else:
            return redirect("tool", tool.pk)
    return _page(request, tool, 422, **{slot: form, "refused": form})


def _page(request: HttpRequest, tool: Tool, status: int = 200, **bound) -> HttpResponse:
    me = request.user.person
    admin = has_role(me, Role.ADMIN)
    reached = list(tool.reaches.order_by("name"))
    managed = admin or not tool.reaches.exclude(pk__in=channels_with(me, "manage").values("pk")).exists()
    context = {
        "tool": tool,
        "channels": reached[:50],
        "more": max(0, len(reached) - 50),
        "people": queries.holders(tool),
        "may_keep": managed and bool(reached),
        "change": ToolForm(by=me, initial=ToolForm.of(tool, reached), auto_id="change_%s") if admin else None,
        "holder": HolderForm(auto_id="holder_%s") if managed and reached else None,
        **bound,
    }
    return render(request, "channels_registry/tool_detail.html", context, status=status)
