"""Ways of looking at the matrix of people and channels, kept under names: one's own, or shared."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from accounts import audit
from accounts.models import Person, Role
from accounts.permissions import has_role
from channels_registry.models import MatrixView
from channels_registry.permissions import oversight
from channels_registry.queries.narrowing import Filters

MOST = 40  # views of one person

audit.register("matrix_view.saved", "saved a view of the access matrix")
audit.register("matrix_view.removed", "removed a saved view of the access matrix")


@transaction.atomic
def save_view(by: Person, name: str, filters: Filters, shared: bool = False) -> MatrixView:
    """Under a name that is theirs already it takes the other's place."""
    oversight(by)
    Person.objects.select_for_update().get(pk=by.pk)
    if not name.strip():
        raise ValidationError({"name": "Give it a name."})
    if MatrixView.objects.filter(person=by).exclude(name=name.strip()).count() >= MOST:
        raise ValidationError(f"You have {MOST} views. Remove one first.")
    said = {"query": filters.kept, "shared": shared}
    view, _ = MatrixView.objects.update_or_create(person=by, name=name.strip(), defaults=said)
    audit.record(by, "matrix_view.saved", view, **said)
    return view


@transaction.atomic
def remove_view(view: MatrixView, by: Person) -> None:
    """Their own; a shared one an administrator's as well."""
    if view.person_id != by.pk and not (view.shared and has_role(by, Role.ADMIN)):
        raise PermissionDenied(f"Only {view.person} or an administrator removes it.")
    audit.record(by, "matrix_view.removed", view, query=view.query, shared=view.shared)
    view.delete()
