"""Every order of steps that Hypothesis thinks of, by everybody, by every verb: what must never be true is never true.

Nothing that a departed person answers for goes out unless somebody adopted it by name. No case is closed with a door
that has no grade. Nobody attests, confirms, accepts or closes for themselves.
"""

import itertools
from contextlib import suppress
from datetime import timedelta

import hypothesis
import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from channels_registry import revoking
from channels_registry.models import AccessGrant, Channel, Proof, Revocation
from channels_registry.permissions import may
from governance import offboarding
from governance.models import OffboardingCase, RiskAcceptance
from publishing import scheduling
from publishing.delivering import LANE
from publishing.models import Publication
from socialops.lib.delivery.claiming import Claimer
from tests import deliveries, factories
from tests.channels_registry.pictures import PNG, picture

CAST = ("dana", "gina", "erin", "ines", "bob", "charlie")
KINDS = ("shared_login", "recovery", "tool_seat", "app")
_number = itertools.count(1)


class NoSandbox:
    """Makes accounts over there that nobody ever asks for anything."""

    url = "http://127.0.0.1:9"

    def promise(self, **_):
        pass

    def accounts(self, wishes):
        return [{**wish, "id": f"a{next(_number)}", "token": "none"} for wish in wishes]


class Leaving(RuleBasedStateMachine):
    """dana leaves. She is administrator and manager as well, so that nothing but her own case keeps her out of it."""

    @initialize(high=st.booleans())
    def world(self, high):
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.people = {name: factories.person(name) for name in CAST}
        for name in ("ines", "dana"):
            factories.person(name, "admin")
        made = deliveries.world(NoSandbox(), channels=1)
        self.channel = made.channels[0]
        tier = Channel.RiskTier.HIGH if high else Channel.RiskTier.LOW
        Channel.objects.filter(pk=self.channel.pk).update(owner=self.people["gina"], risk_tier=tier)
        self.channel.refresh_from_db()
        for name, level in (("dana", "manager"), ("dana", "publisher"), ("gina", "manager"), ("bob", "publisher")):
            factories.grant(self.channel, self.people[name], level)
        made.alice = self.people["dana"]
        self.publications = [row.pk for row in made.publish(3, timezone.now() + timedelta(hours=1))]
        self.claimer, self.went_out, self.departure = Claimer(LANE, "test"), [], None
        for kind in KINDS:
            self.door(kind)

    def door(self, kind):
        AccessGrant.objects.create(
            channel=self.channel, person=self.people["dana"], door=kind, entitlement="holder", label=f"{next(_number)}",
            starts_at=timezone.now() - timedelta(days=2), granted_by=self.people["erin"],
        )  # fmt: skip

    @rule()
    def dana_leaves(self):
        if self.departure is None:
            self.departure = factories.departed(self.people["dana"], timedelta(seconds=1), self.people["erin"])

    @rule()
    def sweep(self):
        offboarding.sweep()

    @rule(kind=st.sampled_from(KINDS))
    def another_door_is_found(self, kind):
        self.door(kind)

    @rule(who=st.sampled_from(CAST), verb=st.sampled_from(["take", "by_hand", "try_again"]), n=st.integers(0, 9))
    def handle(self, who, verb, n):
        self._try(lambda row: getattr(revoking, verb)(row, self.people[who]), n)

    @rule(who=st.sampled_from(CAST), n=st.integers(0, 9), shown=st.sampled_from(["no", "own", "the same"]))
    def attest(self, who, n, shown):
        content = PNG if shown == "the same" else PNG + str(next(_number)).encode()
        file = None if shown == "no" else picture("shot.png", content)
        self._try(lambda row: revoking.attest(row, self.people[who], "Done.", file), n)

    @rule(who=st.sampled_from(CAST), n=st.integers(0, 9))
    def confirm(self, who, n):
        self._try(lambda row: revoking.confirm(row, self.people[who]), n)

    @rule(who=st.sampled_from(CAST), n=st.integers(0, 9), verb=st.sampled_from(["contest", "not_provable", "withdraw"]))
    def say(self, who, n, verb):
        self._try(lambda row: getattr(revoking, verb)(row, self.people[who], "Seen."), n)

    @rule(who=st.sampled_from(CAST), n=st.integers(0, 9))
    def ask_to_accept(self, who, n):
        self._try(lambda row: offboarding.ask_acceptance(row.case_doors.get(), self.people[who], "No list."), n)

    @rule(who=st.sampled_from(CAST))
    def accept(self, who):
        for acceptance in RiskAcceptance.objects.all():
            self._quietly(lambda each=acceptance: offboarding.accept_risk(each, self.people[who]))

    @rule(who=st.sampled_from(CAST))
    def close(self, who):
        for case in OffboardingCase.objects.all():
            self._quietly(lambda each=case: offboarding.close(each, self.people[who]))

    @rule(who=st.sampled_from(CAST), n=st.integers(0, 2))
    def adopt(self, who, n):
        row = Publication.objects.get(pk=self.publications[n])
        self._quietly(lambda: scheduling.adopt(row, self.people[who]))

    @rule()
    def the_hour_comes(self):
        Publication.objects.filter(pk__in=self.publications, state="scheduled").update(next_attempt_at=timezone.now())
        for job in self.claimer.claim(10).jobs:
            self.went_out.append((Publication.objects.get(pk=job.id).answerable_id, self.departure is not None))

    @invariant()
    def nothing_goes_out_in_the_name_of_somebody_who_left(self):
        dana = self.people["dana"].pk
        assert not [1 for answerable, gone in self.went_out if gone and answerable == dana]

    @invariant()
    def no_case_is_closed_with_a_door_that_has_no_grade(self):
        for case in OffboardingCase.objects.filter(state="closed"):
            for door in case.doors.select_related("revocation"):
                row, accepted = door.revocation, getattr(door, "acceptance", None)
                by_name = row.proof == Proof.NOT_PROVABLE and accepted and accepted.accepted_by_id
                assert row.stage == "verified" or row.state == "cancelled" or by_name

    @invariant()
    def nobody_does_it_for_themselves(self):
        for row in Revocation.objects.exclude(grant__door="right").select_related("grant"):
            holder = row.grant.person_id
            assert holder not in (row.attested_by_id, row.confirmed_by_id, row.assigned_to_id)
            assert row.confirmed_by_id is None or row.confirmed_by_id != row.attested_by_id
            if row.stage == "verified":
                assert row.proof == Proof.SECOND_PERSON and row.confirmed_by_id and row.attested_by_id
        for accepted in RiskAcceptance.objects.exclude(accepted_by=None).select_related("door__case"):
            assert accepted.accepted_by_id not in (accepted.asked_by_id, accepted.door.case.person_id)
        assert not OffboardingCase.objects.filter(closed_by=self.people["dana"]).exists()

    @invariant()
    def one_picture_proves_one_door_of_a_high_risk_channel(self):
        if self.channel.risk_tier == Channel.RiskTier.HIGH:
            shown = Revocation.objects.exclude(evidence_sha256="").values_list("evidence_sha256", flat=True)
            assert len(shown) == len(set(shown))
            assert not Revocation.objects.filter(proof=Proof.ATTESTED, evidence_sha256="").exists()

    @invariant()
    def who_left_may_nothing(self):
        if self.departure is not None:
            assert not any(may(self.people["dana"], right, self.channel) for right in ("see", "publish", "manage"))

    def teardown(self):
        if hasattr(self, "undo"):
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)

    def _try(self, step, n):
        rows = list(Revocation.objects.exclude(grant__door="right").order_by("pk"))
        if rows:
            self._quietly(lambda: step(rows[n % len(rows)]))

    def _quietly(self, step):
        with suppress(PermissionDenied, ValidationError), transaction.atomic():
            step()


@pytest.mark.django_db
def test_no_order_of_steps_leads_around_the_rules(settings, tmp_path):
    settings.SEALING_KEYS, settings.MEDIA_ROOT = str(tmp_path / "keys"), tmp_path / "media"
    run_state_machine_as_test(
        Leaving,
        settings=hypothesis.settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.django_db
def test_the_control_the_machine_gets_as_far_as_a_closed_case(settings, tmp_path, request):
    """The rules above are kept by refusals, and not because nothing ever happens."""
    settings.SEALING_KEYS, settings.MEDIA_ROOT = str(tmp_path / "keys"), tmp_path / "media"
    machine = Leaving()
    request.addfinalizer(machine.teardown)  # what it has begun ends, whatever comes of the test
    machine.world(high=True)
    machine.dana_leaves(), machine.sweep(), machine.the_hour_comes()
    for n in range(len(KINDS)):
        machine.attest("gina", n, "own"), machine.confirm("erin", n)
    machine.close("erin")
    assert OffboardingCase.objects.get().state == "closed"
    assert {row.state for row in Publication.objects.all()} == {"blocked"}
    machine.nobody_does_it_for_themselves()
