"""Who has to agree to which posts: the workflows and their steps."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from publishing import arranging, queries
from publishing.forms.workflows import StepForm, WorkflowForm
from publishing.models import ApprovalStep, ApprovalWorkflow, Remit
from publishing.models.revision import PARTS, REMITS
from publishing.permissions import access_step, access_workflow, may_arrange, require_arranger
from socialops.lib.refusals import add_refusal


class WorkflowListView(View):
    """Everybody who asks may read who will be asked."""

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = [(each, queries.steps_of(each)) for each in queries.workflows()[:20]]
        context = {"rows": rows, "may_arrange": may_arrange(request.user.person)}
        return render(request, "publishing/workflow_list.html", context)


class WorkflowNewView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        require_arranger(request.user.person)
        return _workflow_page(request, WorkflowForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = WorkflowForm(request.POST)
        if form.is_valid():
            try:
                workflow = arranging.create_workflow(request.user.person, **form.given())
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, "It is in use from now on. Say who is asked.")
                return redirect("workflow", workflow.pk)
        return _workflow_page(request, form, status=422)


class WorkflowView(View):
    """GET shows its conditions and steps; POST changes the conditions."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        workflow = access_workflow(request.user, pk)
        return _workflow_page(request, WorkflowForm(workflow=workflow), workflow)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        workflow = access_workflow(request.user, pk)
        form = WorkflowForm(request.POST, workflow=workflow)
        if form.is_valid():
            try:
                arranging.change_workflow(workflow, request.user.person, **form.given())
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, "Saved. What was asked already stays as it was asked.")
                return redirect("workflow", pk)
        return _workflow_page(request, form, workflow, status=422)


class WorkflowArchivalView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        try:
            arranging.archive_workflow(access_workflow(request.user, pk), request.user.person)
            messages.success(request, "Archived. What was asked already stays as it was asked.")
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("workflow_list")


class StepNewView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _step_page(request, access_workflow(request.user, pk), StepForm())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        workflow, form = access_workflow(request.user, pk), StepForm(request.POST)
        if form.is_valid():
            try:
                arranging.add_step(workflow, request.user.person, **form.given())
            except ValidationError as error:
                add_refusal(form, error)
            else:
                return redirect("workflow", pk)
        return _step_page(request, workflow, form, status=422)


class StepView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        step = access_step(request.user, pk)
        return _step_page(request, step.workflow, StepForm(step=step), step)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        step = access_step(request.user, pk)
        form = StepForm(request.POST, step=step)
        if form.is_valid():
            try:
                arranging.change_step(step, request.user.person, **form.given())
            except ValidationError as error:
                add_refusal(form, error)
            else:
                return redirect("workflow", step.workflow_id)
        return _step_page(request, step.workflow, form, step, status=422)


class StepRemovalView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        step = access_step(request.user, pk)
        try:
            arranging.remove_step(step, request.user.person)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("workflow", step.workflow_id)


def _workflow_page(
    request: HttpRequest, form: WorkflowForm, workflow: ApprovalWorkflow | None = None, status: int = 200
) -> HttpResponse:
    steps = queries.steps_of(workflow) if workflow else []
    remits = [(remit.label, [PARTS[part] for part in REMITS[remit]]) for remit in Remit]
    context = {"workflow": workflow, "form": form, "steps": steps, "remits": remits}
    return render(request, "publishing/workflow_detail.html", context, status=status)


def _step_page(
    request: HttpRequest, workflow: ApprovalWorkflow, form: StepForm, step: ApprovalStep | None = None,
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    context = {"workflow": workflow, "step": step, "form": form}
    return render(request, "publishing/step.html", context, status=status)
