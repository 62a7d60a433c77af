"""Writing down who has to agree to which posts. What was asked already is not changed by it."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now

from accounts.audit import record, register
from accounts.models import Person
from publishing.models import ApprovalStep, ApprovalWorkflow, Rule
from publishing.permissions import require_arranger

register("workflow.created", "created an approval workflow")
register("workflow.changed", "changed an approval workflow")
register("workflow.archived", "archived an approval workflow")
register("workflow.step_added", "added a step to an approval workflow")
register("workflow.step_changed", "changed a step of an approval workflow")
register("workflow.step_removed", "removed a step of an approval workflow")

MANY = {"campaigns", "people", "teams", "externals"}  # relations, set after the row is saved


@transaction.atomic
def create_workflow(by: Person, **said: Any) -> ApprovalWorkflow:
    """It comes after those in use, with one step open to whoever may approve, so that it can be used at once."""
    require_arranger(by)
    last = ApprovalWorkflow.objects.filter(archived_at=None).aggregate(Max("position"))["position__max"] or 0
    workflow = ApprovalWorkflow(created_by=by, position=last + 1)
    _write(workflow, said)
    ApprovalStep.objects.create(workflow=workflow, name="Facts", anyone=True)
    record(by, "workflow.created", workflow, **_plain(said))
    return workflow


@transaction.atomic
def change_workflow(workflow: ApprovalWorkflow, by: Person, **said: Any) -> ApprovalWorkflow:
    require_arranger(by)
    workflow = _locked(workflow)
    _write(workflow, said)
    record(by, "workflow.changed", workflow, **_plain(said))
    return workflow


@transaction.atomic
def archive_workflow(workflow: ApprovalWorkflow, by: Person) -> ApprovalWorkflow:
    require_arranger(by)
    workflow = _locked(workflow)
    workflow.archived_at = Now()
    workflow.save(update_fields=["archived_at"])
    record(by, "workflow.archived", workflow, name=workflow.name)
    return workflow


@transaction.atomic
def add_step(workflow: ApprovalWorkflow, by: Person, **said: Any) -> ApprovalStep:
    require_arranger(by)
    step = ApprovalStep(workflow=_locked(workflow))
    _write_step(step, said)
    record(by, "workflow.step_added", workflow, **_plain(said))
    return step


@transaction.atomic
def change_step(step: ApprovalStep, by: Person, **said: Any) -> ApprovalStep:
    require_arranger(by)
    workflow = _locked(step.workflow)
    step = ApprovalStep.objects.get(pk=step.pk)
    _write_step(step, said)
    _refuse_without_a_sure_step(workflow)
    record(by, "workflow.step_changed", workflow, step=step.pk, **_plain(said))
    return step


@transaction.atomic
def remove_step(step: ApprovalStep, by: Person) -> None:
    require_arranger(by)
    workflow = _locked(step.workflow)
    name = step.name
    step.delete()
    _refuse_without_a_sure_step(workflow)
    record(by, "workflow.step_removed", workflow, name=name)


def _locked(workflow: ApprovalWorkflow) -> ApprovalWorkflow:
    workflow = ApprovalWorkflow.objects.select_for_update().get(pk=workflow.pk)
    if workflow.archived_at:
        raise ValidationError("This workflow is archived. Create another.")
    return workflow


def _write(row: ApprovalWorkflow | ApprovalStep, said: dict[str, Any]) -> None:
    said = {**said, "words": sorted({word.strip().casefold() for word in said.get("words", []) if word.strip()})}
    for name in said.keys() - MANY:
        setattr(row, name, said[name])
    row.validate_constraints()
    row.save()
    for name in said.keys() & MANY:
        getattr(row, name).set(said[name])


def _write_step(step: ApprovalStep, said: dict[str, Any]) -> None:
    named = [*said.get("people", []), *said.get("teams", []), *said.get("externals", [])]
    if not said.get("anyone") and not named:
        raise ValidationError({"people": "Name people or teams, or open the step to whoever may approve."})
    if said.get("anyone") and said.get("rule") == Rule.ALL:
        raise ValidationError({"rule": "All who may approve would be too many to ask. Name the people."})
    if said.get("rule") != Rule.SOME:
        said = {**said, "needed": 1}
    elif not said.get("teams") and not said.get("anyone") and len(named) < said.get("needed", 1):
        raise ValidationError({"needed": f"Only {len(named)} are named, so no more can agree."})
    _write(step, said)


def _refuse_without_a_sure_step(workflow: ApprovalWorkflow) -> None:
    if not any(step.always and not step.externals.exists() for step in workflow.steps.all()):
        raise ValidationError(
            "One step has to be taken by every post of this workflow, and decided by people here. Keep one without a "
            "condition of its own and without anybody from outside."
        )


def _plain(said: dict[str, Any]) -> dict[str, Any]:
    """As the trail keeps it."""
    return {name: [each.pk for each in value] if name in MANY else value for name, value in said.items()}
