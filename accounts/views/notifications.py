"""What waits for me, and saying that I have seen it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts import notifying
from accounts.queries import PAGE, notifications


class NotificationListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        before = request.GET.get("before", "")
        page = notifications(request.user.person, int(before) if before.isdecimal() and len(before) < 18 else 0)
        more = f"?before={page[PAGE - 1].pk}" if len(page) > PAGE else ""
        return render(request, "accounts/notification_list.html", {"notifications": page[:PAGE], "next": more})


class NotificationReadingView(View):
    """POST marks one (`pk`) or all as read; of mine and nobody else's."""

    def post(self, request: HttpRequest) -> HttpResponse:
        pks = [int(pk) for pk in request.POST.getlist("pk") if pk.isdecimal() and len(pk) < 18]
        if pks or "pk" not in request.POST:
            notifying.read(request.user.person, *pks)
        return redirect("notification_list")
