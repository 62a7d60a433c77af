"""The home page: what waits for this person, what goes out, what is broken."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def today(request: HttpRequest) -> HttpResponse:
    return render(request, "today.html")
