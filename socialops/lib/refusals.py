"""What a verb refused, on the form that asked for it."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.forms import Form


def add_refusal(form: Form, error: ValidationError | PermissionDenied, **names: str) -> None:
    """Beside the field it is about, or on top where the form has no such field.

    `names`: what the form calls what the verb calls so, e.g. at="date".
    """
    if isinstance(error, PermissionDenied):
        error = ValidationError(str(error))
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, errors in error.error_dict.items():
        name = names.get(name, name)
        form.add_error(name if name in form.fields else None, errors)
