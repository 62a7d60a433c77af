"""Who is here: the list, one person, somebody new, and the roles and teams of a person."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from accounts import people, queries
from accounts.audit import words
from accounts.forms import PersonForm, RoleForm, TeamForm
from accounts.models import Person, Role
from accounts.permissions import access_membership, access_person, has_role, may_see_departures, require_role
from socialops.lib.numbers import number
from socialops.lib.refusals import add_refusal

# What other apps show on a person's page: they own these addresses, and the page loads them.
SLOTS = ("person_access", "person_case", "person_feeds")


class PersonListView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        me, asked = request.user.person, request.GET
        may_see = may_see_departures(me)
        chosen = queries.PeopleFilter(
            words=asked.get("q", "")[:200],
            role=asked.get("role", "") if asked.get("role") in Role.values else "",
            who=asked.get("who", "") if asked.get("who") in {"leaving", "left"} else "here",
            after=number(asked.get("after")) or 0,
        )
        page, after = queries.people_page(chosen, may_see, me)
        narrowed = {"q": chosen.words, "role": chosen.role, "who": chosen.who}
        context = {
            "people": page,
            "chosen": chosen,
            "roles": Role.choices,
            "may_see_departures": may_see,
            "may_add": request.user.is_admin,
            "next": f"?{urlencode(narrowed | {'after': after})}" if after else "",
        }
        return render(request, "accounts/person_list.html", context)


class PersonNewView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        form = PersonForm(initial={"time_zone": request.user.person.time_zone})
        return render(request, "accounts/person_new.html", {"form": form})

    def post(self, request: HttpRequest) -> HttpResponse:
        require_role(request.user.person, Role.ADMIN)
        form = PersonForm(request.POST)
        if form.is_valid():
            try:
                person = people.welcome(by=request.user.person, **form.cleaned_data)
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, f"{person.name} is added.")
                return redirect("person", person.pk)
        return render(request, "accounts/person_new.html", {"form": form}, status=422)


class PersonView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return person_page(request, access_person(request.user, pk))


class RoleView(View):
    """POST gives a role."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        person, form = access_person(request.user, pk), RoleForm(request.POST)
        try:
            people.give_role(person, form.data.get("role", ""), request.user.person)
        except ValidationError as error:
            return person_page(request, person, error.messages, 422)
        return redirect("person", pk)


class RoleEndingView(View):
    """POST takes a role away."""

    def post(self, request: HttpRequest, pk: int, role: str) -> HttpResponse:
        person = access_person(request.user, pk)
        try:
            people.end_role(person, role, request.user.person)
        except ValidationError as error:
            return person_page(request, person, error.messages, 422)
        return redirect("person", pk)


class TeamView(View):
    """POST adds the person to a team, which is made if it is new."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        person, form = access_person(request.user, pk), TeamForm(request.POST)
        if not form.is_valid():
            return person_page(request, person, ["Write the name of the team."], 422)
        people.join_team(person, form.cleaned_data["team"], request.user.person)
        return redirect("person", pk)


class TeamEndingView(View):
    """POST takes the person out of a team."""

    def post(self, request: HttpRequest, pk: int, membership: int) -> HttpResponse:
        person = access_person(request.user, pk)
        people.leave_team(access_membership(request.user, person, membership), request.user.person)
        return redirect("person", pk)


def person_page(
    request: HttpRequest, person: Person, errors: list[str] | None = None, status: int = 200
) -> HttpResponse:
    me = request.user.person
    departure = queries.standing_departure(person, me)
    has_left = departure is not None and departure.has_come
    may_see = has_role(me, Role.ADMIN, Role.AUDITOR)
    context = {
        "person": person,
        "departure": departure if departure and (may_see or has_left) else None,
        "has_left": has_left,
        "login": queries.login_of(person),
        "roles": person.roles.filter(ended_at=None),
        "memberships": person.memberships.select_related("team"),
        "trail": [(event, words(event.action)) for event in queries.trail_of(person, me)] if may_see else [],
        "may_see_reason": may_see,
        "may_change": request.user.is_admin and me != person,
        "role_form": RoleForm(auto_id="role_%s"),
        "team_form": TeamForm(auto_id="team_%s"),
        "slots": [reverse(name, args=[person.pk]) for name in SLOTS],
        "errors": errors,
    }
    return render(request, "accounts/person_detail.html", context, status=status)
