"""The trail, for administrators and auditors."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from accounts.audit import LABELS, words
from accounts.forms import TrailForm
from accounts.models import Role
from accounts.permissions import require_role
from accounts.queries import TrailFilter, trail_page


class AuditListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN, Role.AUDITOR)
        form = TrailForm(request.GET, actions=dict(LABELS))
        form.is_valid()  # what cannot be read is said beside its field and left out
        asked = {name: value for name, value in form.cleaned_data.items() if value}
        events, before = trail_page(TrailFilter(**asked, viewer=request.user.person))
        context = {
            "form": form,
            "lines": [(event, words(event.action)) for event in events],
            "narrowed": {name: value for name, value in asked.items() if name != "before"},
            "next": f"?{urlencode(asked | {'before': before})}" if before else "",
        }
        return render(request, "accounts/audit_list.html", context)
