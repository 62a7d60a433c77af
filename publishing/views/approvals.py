"""Asking somebody to agree, and deciding."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views import View

from publishing import approving, queries, submitting
from publishing.forms.approvals import DecisionForm, SubmissionForm
from publishing.forms.publications import TimeForm
from publishing.models import Approval, Post, Revision
from publishing.permissions import access_approval, access_post, may_arrange
from publishing.rights import may_on_all, reason_against, require_on_all
from socialops.lib.numbers import numbers
from socialops.lib.refusals import add_refusal


class SubmissionView(View):
    """GET shows who will be asked, or asks whom; POST asks them, or with then=show shows it for what is ticked."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _submission_page(request, access_post(request.user, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        post = access_post(request.user, pk)
        if request.POST.get("then") == "show":
            return _submission_page(request, post, request.POST)
        return _submission_page(request, post, request.POST, ask=True)


class TimeAskView(View):
    """For a post that is approved for another time: GET asks for which, POST asks those whom time concerns."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _time_page(request, access_post(request.user, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        post, person = access_post(request.user, pk), request.user.person
        form = TimeForm(request.POST, person=person)
        if form.is_valid():
            try:
                submitting.ask_again(post, person, form.instant())
            except ValidationError as error:
                add_refusal(form, error)
            else:
                messages.success(request, "Asked again. Nothing of this post goes out until they agree.")
                return redirect("post", pk)
        return _time_page(request, post, form, status=422)


class SubmissionWithdrawalView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        try:
            submitting.withdraw(access_post(request.user, pk), request.user.person)
            messages.success(request, "Taken back. The post is a draft again.")
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("post", pk)


class ApprovalListView(View):
    """What waits for this person, then what they asked others, then what was decided lately."""

    def get(self, request: HttpRequest) -> HttpResponse:
        person = request.user.person
        waiting = list(queries.asked_of(person).annotate(unresolved=queries.unresolved("stage__approval__post")))
        context = {
            "waiting": waiting,
            "opened": any(ask.opened_at for ask in waiting),
            "asked": queries.asked_by(person)[:50],
            "decided": queries.decided_by(person)[:20],
            "may_arrange": may_arrange(person),
        }
        return render(request, "publishing/approval_list.html", context)


class DecisionsView(View):
    """POST ask=<id> for each of those that were opened and are agreed to at once."""

    def post(self, request: HttpRequest) -> HttpResponse:
        chosen = numbers(request.POST.getlist("ask"))
        done, refused = approving.approve_opened(request.user.person, chosen)
        if done:
            messages.success(request, f"{len(done)} approved.")
        for approval, words in refused:
            messages.error(request, f"“{approval}” was not approved. {words}")
        if not done and not refused:
            messages.error(request, "Choose at least one that you have opened.")
        return redirect("approval_list")


class ApprovalView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _approval_page(request, access_approval(request.user, pk))


class DecisionView(View):
    """POST verdict=approved|changes_requested|rejected with the hash of the revision that was on the screen."""

    verbs = {
        "approved": approving.approve,
        "changes_requested": approving.request_changes,
        "rejected": approving.reject,
    }

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        approval, form = access_approval(request.user, pk), DecisionForm(request.POST)
        verb = self.verbs.get(request.POST.get("verdict", ""))
        if verb is None:
            form.add_error(None, "Choose to approve, to ask for a change, or to reject.")
        if verb is None or not form.is_valid():
            return _approval_page(request, approval, form, status=422)
        said = form.cleaned_data
        try:
            verb(approval, request.user.person, said["revision_hash"], said["note"], stage=said["stage"])
        except approving.Changed as changed:
            return _overtaken(request, approval, form, changed)
        except ValidationError as error:
            add_refusal(form, error)
            return _approval_page(request, access_approval(request.user, pk), form, status=422)
        except PermissionDenied as error:
            form.add_error(None, str(error))
            return _approval_page(request, approval, form, status=403)
        messages.success(
            request, {"approved": "Approved.", "rejected": "Rejected."}.get(request.POST["verdict"], "Sent back.")
        )
        return redirect("approval_list")


class ApprovalWithdrawalView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        try:
            approving.withdraw(access_approval(request.user, pk), request.user.person, request.POST.get("note", ""))
            messages.success(request, "Your approval is taken back. Nothing of this post goes out.")
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("approval", pk)


def _submission_page(request: HttpRequest, post: Post, data=None, ask: bool = False) -> HttpResponse:
    variants, person = queries.variants_of(post), request.user.person
    traits = queries.traits_of(post, variants, boosted=bool(data and data.get("boosted")))
    workflow = queries.workflow_for(traits)
    approvers = None if workflow else queries.approvers_of(post, [v.channel for v in variants])
    wanted = queries.wanted_time(variants, person.time_zone)
    initial = {"wanted": wanted.wall, "time_zone": wanted.zone}
    form = SubmissionForm(data, approvers=approvers, person=person, initial=initial)
    if ask and form.is_valid():
        try:
            approval = submitting.submit(post, person, **form.asked())
        except ValidationError as error:
            add_refusal(form, error)
        else:
            messages.success(request, _who_is_asked(approval))
            return redirect("post", post.pk)
    rules = queries.active_rules() if ask else []
    previews = queries.previews(variants, rules=rules)
    context = {
        "post": post, "form": form, "workflow": workflow, "hits": queries.hits(variants, rules),
        "planned": queries.plan(workflow, post, variants, traits) if workflow else [],
        "previews": previews, "problems": any(_does_not_fit(each) for each in previews),
    }  # fmt: skip
    return render(request, "publishing/submission.html", context, status=422 if ask else 200)


def _does_not_fit(preview: queries.Preview) -> bool:
    texts = [preview.measure, *(each.measure for each in preview.following)]
    return any(each.problem for each in (*texts, *preview.pictures))


def _who_is_asked(approval: Approval) -> str:
    if approval.state == Approval.State.APPROVED:
        return "Nobody has to be asked: what they agreed to has not changed."
    row = queries.question_for(queries.stage_rows(approval, []), approval.asked_by)
    return f"{row.who} {'are' if ' and ' in row.who else 'is'} asked." if row else "Asked."


def _time_page(request: HttpRequest, post: Post, form: TimeForm | None = None, status: int = 200) -> HttpResponse:
    variants, person = queries.variants_of(post), request.user.person
    require_on_all(person, "draft", post, [v.channel for v in variants], "ask again about")
    standing = post.approvals.filter(state="approved").first()
    context = {
        "post": post, "standing": standing, "form": form or TimeForm(person=person),
        "stages": standing.stages.filter(covers__contains=["time"]) if standing else [],
    }  # fmt: skip
    return render(request, "publishing/submission_time.html", context, status=status)


def _approval_page(
    request: HttpRequest, approval: Approval, form: DecisionForm | None = None, status: int = 200, **more
) -> HttpResponse:
    """Shows the revision that was asked about, whatever the post says now."""
    post, person, revision = approval.post, request.user.person, approval.revision
    variants = queries.variants_of(post)
    decisions = queries.decisions_on(post)
    before, since = queries.seen_before(decisions, person, revision)
    reason, names = reason_against(approval, person), {v.channel_id: v.channel.name for v in variants}
    stages = queries.stage_rows(approval, decisions)
    question = queries.question_for(stages, person)
    able = not reason and may_on_all(person, "approve", [v.channel for v in variants])
    mine = question.place_of(person) if question else None
    if mine and mine.ask.opened_at is None:
        mine.ask.stage.approval = approval
        approving.note_opening(mine.ask, person)
    previews = queries.as_asked(revision, variants)
    context = {
        "approval": approval, "post": post, "previews": previews, "since": since,
        "brief": queries.brief(approval, previews, person, question),
        "reason": reason,
        "differences": queries.differences(before, revision, names) if before else [],
        "withdrawn": [d for d in decisions if d.approval_id == approval.pk and d.verdict == "withdrawn"],
        "stages": stages, "question": question, "mine": mine,
        "may_approve": able, "may_decide": able and queries.may_answer(question, person),
        "late": question and question.stage.decide_by and question.stage.decide_by < timezone.now(),
        "form": form or DecisionForm(initial=_asked_about(revision, question)), **more,
    }  # fmt: skip
    return render(request, "publishing/approval_detail.html", context, status=status)


def _asked_about(revision: Revision, question: queries.StageRow | None) -> dict:
    return {"revision_hash": revision.hash, "stage": question.stage.pk if question else None}


def _overtaken(
    request: HttpRequest, approval: Approval, form: DecisionForm, changed: approving.Changed
) -> HttpResponse:
    """What the approver saw beside what the post says now. Nothing was decided; the note is kept."""
    add_refusal(form, ValidationError(changed.messages))
    approval = access_approval(request.user, approval.pk)
    names = {v.channel_id: v.channel.name for v in queries.variants_of(approval.post)}
    new = queries.differences(changed.seen or approval.revision, changed.now, names)
    return _approval_page(request, approval, form, status=409, changed=changed, new=new)
