"""Which workflow says who is asked about a post, and who that is now."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from accounts.models import Person, TeamMembership
from publishing.models import ApprovalStep, ApprovalWorkflow, ExternalApprover, Post, Rule, Variant
from publishing.models.revision import content_of
from publishing.models.workflow import Traits
from publishing.queries.deciding import approvers_of
from publishing.queries.phrases import folded


@dataclass(frozen=True)
class Planned:
    """What a step comes to for a post. `left_out`: named, but may not decide about this one."""

    step: ApprovalStep
    people: list[Person]
    left_out: list[Person]
    externals: list[ExternalApprover]

    @property
    def needed(self) -> int:
        return self.known if self.step.rule == Rule.ALL else self.step.needed

    @property
    def known(self) -> int:
        return len(self.people) + len(self.externals)

    @property
    def lacking(self) -> str:
        """Why it cannot be asked; "" if it can."""
        if self.known >= max(self.step.needed, 1):
            return ""
        return (
            f"“{self.step.name}” needs {self.step.needed} and {self.known or 'nobody'} of its people may decide "
            "about this post. Ask a social lead to change the workflow, or who manages the channels to give the right."
        )


def traits_of(post: Post, variants: Iterable[Variant], boosted: bool = False) -> Traits:
    variants = list(variants)
    content = content_of(post, variants)
    said = [
        line
        for each in content["variants"]
        for line in (
            each["text"], *each.get("thread", []), each.get("first_comment", ""),
            *(one["alt"] for one in each.get("media", [])),
        )
    ]  # fmt: skip
    text = " ".join("\n".join(said).split()).casefold()
    return Traits(
        tiers=frozenset(v.channel.risk_tier for v in variants), campaign=post.campaign_id,
        text=f"{text}\n{folded(text)}", media=any(each.get("media") for each in content["variants"]), boosted=boosted,
    )  # fmt: skip


def workflows() -> QuerySet[ApprovalWorkflow]:
    """Those in use, in the order in which they are tried."""
    there = ApprovalWorkflow.campaigns.through.objects.filter(approvalworkflow=OuterRef("pk"))
    read_with_them = {"campaign_ids": ArraySubquery(there.values("campaign_id"))}
    found = ApprovalWorkflow.objects.filter(archived_at=None).annotate(**read_with_them)
    return found.order_by("position", "id")


def workflow_for(traits: Traits) -> ApprovalWorkflow | None:
    """The first that holds. One query."""
    return next((each for each in workflows() if _holds(each, traits)), None)


def steps_of(workflow: ApprovalWorkflow) -> list[ApprovalStep]:
    """In order, each with `named`: the ids of the people who are named, themselves or with their team. One query."""
    people = ApprovalStep.people.through.objects.filter(approvalstep=OuterRef("pk"))
    teams = ApprovalStep.teams.through.objects.filter(approvalstep=OuterRef(OuterRef("pk")))
    members = TeamMembership.objects.filter(team__in=teams.values("team_id"))
    outside = ApprovalStep.externals.through.objects.filter(approvalstep=OuterRef("pk"))
    named = {
        "outside": outside.values("externalapprover_id"),
        "own": people.values("person_id"),
        "members": members.values("person_id").distinct(),
    }
    steps = workflow.steps.annotate(**{name: ArraySubquery(ids) for name, ids in named.items()})
    return list(steps.order_by("position", "id"))


def plan(workflow: ApprovalWorkflow, post: Post, variants: list[Variant], traits: Traits) -> list[Planned]:
    """The steps that this post has to take, with those who may decide there now. Three or four queries."""
    able = list(approvers_of(post, [v.channel for v in variants]))
    steps = [step for step in steps_of(workflow) if step.match(traits)]
    known = {each.pk for each in able}
    ids = {pk for step in steps for pk in step.outside}
    outside = ExternalApprover.objects.filter(ended_at=None).in_bulk(ids) if ids else {}
    others = Person.objects.in_bulk({pk for step in steps for pk in _named(step)} - known)
    return [
        Planned(
            step,
            able if step.anyone else [each for each in able if each.pk in _named(step)],
            [others[pk] for pk in sorted(_named(step)) if pk in others],
            [outside[pk] for pk in step.outside if pk in outside],
        )
        for step in steps
    ]


def _holds(workflow: ApprovalWorkflow, traits: Traits) -> bool:
    campaigns = workflow.campaign_ids
    return (not campaigns or traits.campaign in campaigns) and workflow.match(traits)


def _named(step: ApprovalStep) -> set[int]:
    return {*step.own, *step.members}
