"""Ways of looking at the calendar, kept under names: one's own, or shared with everybody; one of them to open with."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from accounts.audit import record, register
from accounts.models import Person
from accounts.permissions import has_role, is_present
from publishing.models import OpeningView, SavedView
from publishing.permissions import LEADS
from publishing.queries.calendar import Filters

MOST = 40  # views of one person

register("view.saved", "saved a view of the calendar")
register("view.removed", "removed a saved view of the calendar")
register("view.opens", "chose what the calendar opens with")


@transaction.atomic
def save_view(by: Person, name: str, layout: str, filters: Filters, shared: bool = False) -> SavedView:
    """Under a name that is theirs already it takes the other's place."""
    Person.objects.select_for_update().get(pk=by.pk)
    if not is_present(by):
        raise PermissionDenied("Somebody who has left cannot do this.")
    if not name.strip():
        raise ValidationError({"name": "Give it a name."})
    if SavedView.objects.filter(person=by).exclude(name=name.strip()).count() >= MOST:
        raise ValidationError(f"You have {MOST} views. Remove one first.")
    said = {"layout": layout, "filters": filters.said, "shared": shared}
    view, _ = SavedView.objects.update_or_create(person=by, name=name.strip(), defaults=said)
    if not shared:
        OpeningView.objects.filter(view=view).exclude(person=by).delete()
    record(by, "view.saved", view, **said)
    return view


@transaction.atomic
def remove_view(view: SavedView, by: Person) -> None:
    """Their own, or a shared one by those who lead. Whom the calendar opened with it see the whole month again."""
    if view.person_id != by.pk and not (view.shared and has_role(by, *LEADS)):
        raise PermissionDenied(f"Only {view.person}, a social lead or an administrator removes it.")
    record(by, "view.removed", view, layout=view.layout, filters=view.filters)
    view.delete()


@transaction.atomic
def open_with(view: SavedView | None, by: Person) -> None:
    """What the calendar shows them first; None is this month with everything."""
    if view and view.person_id != by.pk and not view.shared:
        raise PermissionDenied(f"{view.person} does not share it.")
    if view:
        OpeningView.objects.update_or_create(person=by, defaults={"view": view})
    else:
        OpeningView.objects.filter(person=by).delete()
    record(by, "view.opens", by, view=view.pk if view else None)
