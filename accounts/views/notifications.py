"""What waits for me, and saying that I have seen it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from accounts import notifying
from accounts.queries import PAGE, notifications
from socialops.lib.numbers import number, numbers


class NotificationListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        page = notifications(request.user.person, number(request.GET.get("before")) or 0)
        more = f"?before={page[PAGE - 1].pk}" if len(page) > PAGE else ""
        return render(request, "accounts/notification_list.html", {"notifications": page[:PAGE], "next": more})


class NotificationReadingView(View):
    """POST marks one (`pk`) or all as read; of mine and nobody else's."""

    def post(self, request: HttpRequest) -> HttpResponse:
        pks = numbers(request.POST.getlist("pk"))
        if pks or "pk" not in request.POST:
            notifying.read(request.user.person, *pks)
        return redirect("notification_list")
