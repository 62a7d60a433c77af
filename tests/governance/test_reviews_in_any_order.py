"""Every order of events that Hypothesis thinks of: decisions, handovers, departures, matches, silence, sign-offs.

Whoever acts is anybody, an administrator as well, and tries whatever there is. After each step nobody has certified
what they have or gave, and no review is attested with something undecided. The verbs refuse; the last word is the
database's, so the steps also go past the verbs and write the rows themselves.
"""

from datetime import timedelta

import hypothesis
import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from channels_registry.models import AccessGrant, NetworkIdentity
from governance import attesting, deciding, handing, lapsing, remedying, reviewing
from governance.models import AccessReview, ReviewItem, SampledItem
from tests import factories
from tests.governance.reviews import channel, opened

pytestmark = pytest.mark.django_db
REFUSED = (PermissionDenied, ValidationError, IntegrityError)
WHO = st.sampled_from(["alice", "bob", "gina", "hana", "erin", "ines"])
WHICH = st.integers(0, 7)
VERDICT = st.sampled_from(["certified", "revoked"])
WORDS = "I looked at every reason and sign for it."


class Reviews(RuleBasedStateMachine):
    @initialize()
    def company(self):
        self.mark = transaction.savepoint()
        blue = channel("bob", "gina", tier="low")
        for who, by in (("alice", "erin"), ("bob", "erin"), ("gina", "erin"), ("hana", "bob")):
            factories.person("ines", "admin")
            if by == "bob" and not blue.grants.filter(person=factories.person("bob"), entitlement="manager").exists():
                factories.grant(blue, factories.person("bob"), "manager")
            factories.grant(blue, factories.person(who), "author", by=factories.person(by))
        for n in range(2):  # over there, of somebody whom nobody knows yet
            identity = NetworkIdentity.objects.create(network="sandbox", remote_id=f"u{n}", handle=f"u{n}")
            AccessGrant.objects.create(
                channel=blue, identity=identity, door="shared_login", entitlement="editor", remote_id="",
                label=f"l{n}", starts_at=timezone.now(),
            )  # fmt: skip
        self.review = opened()
        self.gone: set[str] = set()

    def teardown(self):
        if hasattr(self, "mark"):
            transaction.savepoint_rollback(self.mark)

    def item(self, which: int) -> ReviewItem:
        items = list(self.review.items.select_related("review").order_by("pk"))
        return items[which % len(items)]

    def tried(self, act, *args, **more) -> None:
        """Whoever is refused has changed nothing."""
        with transaction.atomic():
            try:
                with transaction.atomic():
                    act(*args, **more)
            except REFUSED:
                return

    @rule(who=WHO, which=WHICH, verdict=VERDICT, seen=st.booleans())
    def decide(self, who, which, verdict, seen):
        item, by = self.item(which), factories.person(who)
        if seen:
            deciding.show(item, by)
        self.tried(deciding.decide, item, by, verdict, "Because")

    @rule(who=WHO, verdict=VERDICT)
    def decide_many(self, who, verdict):
        pks = list(self.review.items.values_list("pk", flat=True))
        self.tried(deciding.decide_many, self.review, factories.person(who), pks, verdict, "Because")

    @rule(who=WHO, which=WHICH)
    def write_past_the_verbs(self, who, which):
        row = ReviewItem.objects.filter(pk=self.item(which).pk)
        by = factories.person(who)
        self.tried(row.update, state="certified", decided_by=by, decided_at=timezone.now())

    @rule(who=WHO, which=WHICH)
    def assign_past_the_verbs(self, who, which):
        self.tried(ReviewItem.objects.filter(pk=self.item(which).pk).update, reviewer=factories.person(who))

    @rule(who=WHO, to=WHO, of=WHO, which=st.none() | WHICH)
    def hand_over(self, who, to, of, which):
        items = None if which is None else [self.item(which).pk]
        by, of = factories.person(who), factories.person(of)
        self.tried(handing.hand_over, self.review, factories.person(to), by, "You know them", of=of, items=items)

    @rule(who=WHO, which=WHICH)
    def take_back(self, who, which):
        self.tried(deciding.take_back, self.item(which), factories.person(who))

    @rule(who=WHO)
    def hand_in(self, who):
        self.tried(deciding.hand_in, self.review, factories.person(who))

    @rule(who=WHO)
    def leave(self, who):
        if who not in self.gone and who != "erin" and len(self.gone) < 3:
            self.gone.add(who)
            factories.departed(factories.person(who))

    @rule(who=WHO, which=WHICH)
    def match(self, who, which):
        """Somebody says whose a door over there is, as matching does."""
        grant = self.item(which).grant
        if grant.person_id is None:
            AccessGrant.objects.filter(pk=grant.pk).update(person=factories.person(who))

    @rule()
    def sweep(self):
        handing.level()
        handing.level_slowly()
        lapsing.note_ended()

    @rule(days=st.sampled_from([0, 3, 20]))
    def time_passes(self, days):
        by = timedelta(days=14 + days)
        AccessReview.objects.filter(pk=self.review.pk, due_at__gt=timezone.now()).update(
            due_at=F("due_at") - by, opened_at=F("opened_at") - by
        )
        ReviewItem.objects.filter(review=self.review).update(escalated_at=F("escalated_at") - by)
        lapsing.end_what_is_over(timezone.now())

    @rule()
    def shut(self):
        remedying.revoke_due()

    @rule(who=WHO, which=WHICH)
    def take_on(self, who, which):
        self.tried(remedying.accept, self.item(which), factories.person(who), "It will do")

    @rule(who=WHO)
    def attest(self, who):
        self.tried(attesting.attest, self.review, factories.person(who), WORDS)

    @rule(who=WHO)
    def attest_past_the_verbs(self, who):
        row = AccessReview.objects.filter(pk=self.review.pk, state="open")
        self.tried(row.update, state="attested")

    @rule(who=WHO, to=WHO)
    def look_again(self, who, to):
        self.tried(attesting.draw_sample, self.review, factories.person(who), factories.person(to), 2)
        for drawn in SampledItem.objects.filter(sample__review=self.review, verdict=""):
            self.tried(attesting.recheck, drawn, factories.person(to), "revoked", "No")

    @rule(who=WHO)
    def cancel(self, who):
        if len(self.gone) == 3:
            self.tried(reviewing.cancel, self.review, factories.person(who), "Enough")

    @invariant()
    def nobody_decides_about_what_they_have_or_gave(self):
        if not hasattr(self, "review"):
            return
        decided = ReviewItem.objects.filter(review=self.review, state__in=["certified", "revoked"])
        assert not decided.filter(Q(decided_by=F("person")) | Q(decided_by=F("granted_by"))).exists()
        assert not ReviewItem.objects.filter(state="certified", decided_by=None).exists()
        assert not SampledItem.objects.filter(~Q(verdict=""), item__decided_by=F("sample__rechecker")).exists()
        assert not SampledItem.objects.filter(~Q(verdict=""), item__person=F("sample__rechecker")).exists()

    @invariant()
    def nothing_is_attested_with_something_undecided(self):
        if not hasattr(self, "review"):
            return
        signed = ReviewItem.objects.filter(review__state="attested")
        assert not signed.filter(Q(state="open") | Q(submitted_at=None)).exists()

    @invariant()
    def the_population_stays(self):
        if hasattr(self, "review"):
            assert self.review.items.count() == self.review.total == 7


def test_nobody_certifies_for_themselves_by_any_route():
    settings = hypothesis.settings(
        max_examples=40, stateful_step_count=25, deadline=None, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    run_state_machine_as_test(Reviews, settings=settings)


def test_a_person_who_turns_out_to_have_the_door_is_not_signed_for():
    """What the machine finds only now and then: matched after the certification, and before any sweep."""
    blue = channel("bob", "gina")
    door = AccessGrant.objects.create(
        channel=blue, door="shared_login", entitlement="editor", label="vault", starts_at=timezone.now()
    )
    review, bob = opened(), factories.person("bob")
    item = ReviewItem.objects.get(review=review, grant=door)
    deciding.show(item, bob)
    deciding.decide(item, bob, "certified", "Needed")
    deciding.hand_in(review, bob)
    AccessGrant.objects.filter(pk=door.pk).update(person=bob)
    with pytest.raises(ValidationError, match="who has it or gave it"):
        attesting.attest(review, factories.erin(), WORDS)
