"""Who looks at a door instead: by a person's wish, or because its reviewer left, is away, or did not answer.

Whoever gets it neither has the door nor gave it; what nobody may look at stays without a reviewer, in sight. Each
change of hands is kept with the item.
"""

from collections.abc import Collection, Sequence

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Absence, Person, Role
from accounts.permissions import has_role
from governance.deciding import UNDECIDED, hold_open, locked_items
from governance.models import AccessReview, ReviewItem, ReviewTurn
from governance.populating import give_turns
from governance.queries import reviewers
from governance.queries.reviewers import Candidate

audit.register("access_review.handed_over", "handed doors of an access review to another reviewer")
audit.register("access_review.reassigned", "gave doors of an access review another reviewer")
audit.register("review_item.voided", "took back a certification: it was their own door, or they had given it")

NEVER = (*reviewers.NEVER, "i.person_id", "i.granted_by_id", "i.reviewer_id")
MOST = 5000  # items a sweep


@transaction.atomic
def hand_over(
    review: AccessReview, to: Person, by: Person, reason: str, *, of: Person | None = None,
    items: Collection[int] | None = None,
) -> tuple[int, int]:  # fmt: skip
    """Give undecided items another reviewer: one's own, or anybody's for an administrator. (handed, left).

    What `to` has or gave is left where it is. Nobody hands on the review of what they have or gave themselves.
    """
    if not reason.strip():
        raise ValidationError({"reason": "Say why. The reason stays with the items."})
    if not reviewers.may_look().filter(pk=to.pk).exists():
        raise ValidationError({"to": f"{to} cannot decide here: they have left, or have no login."})
    administrator = has_role(by, Role.ADMIN)
    if of != by and not administrator:
        raise PermissionDenied("Only the reviewer or an administrator may hand this over.")
    hold_open(review)
    wanted = ReviewItem.objects.filter(review=review, state="open").exclude(reviewer=to)
    wanted = wanted.filter(pk__in=items) if items is not None else wanted
    wanted = wanted.filter(reviewer=of) if of or not administrator else wanted
    wanted = wanted.exclude(Q(person=by) | Q(grant__person=by) | Q(granted_by=by) | Q(grant__granted_by=by))
    pks = list(wanted.values_list("pk", flat=True))
    moved = _move(review, pks, [(str(int(to.pk)), "handed")], by, reason.strip()[:300], others=False, keep=True)
    if not moved:
        raise ValidationError({"to": f"{to} has each of these doors or gave it, or there is nothing to hand over."})
    audit.record(
        by, "access_review.handed_over", review, to=to.pk, of=of.pk if of else None, items=moved, reason=reason.strip()
    )
    return moved, len(pks) - moved


def level() -> int:
    """Bring the reviewers in line with who is here and who is away. Returns how many items changed hands."""
    return sum(_gone(review) + _away(review) for review in AccessReview.objects.filter(state="open"))


def level_slowly() -> int:
    """What costs a look at every item: doors that turned out to be the reviewer's own, and those without a reviewer."""
    return sum(_void(review) + _own(review) for review in AccessReview.objects.filter(state="open"))


@transaction.atomic
def escalate(review: AccessReview) -> int:
    """Nobody answered in time: the reviewer's manager is asked, else an administrator. Once an item."""
    hold_open(review)
    late = ReviewItem.objects.filter(review=review, state="open", escalated_at=None).order_by("pk")
    if not (pks := list(late.values_list("pk", flat=True)[:MOST])):
        return 0
    _move(review, pks, [("w.manager_id", "escalated")], None, "nobody answered in time", keep=True)
    ReviewItem.objects.filter(pk__in=pks, state="open").update(escalated_at=Now())
    return len(pks)


@transaction.atomic
def _gone(review: AccessReview) -> int:
    """Reviewers who left or cannot sign in any more: undecided, or not handed in, it is somebody else's turn."""
    here = reviewers.may_look().values("pk")
    gone = list(ReviewTurn.objects.filter(review=review).exclude(person__in=here).values_list("person", flat=True))
    if not gone:
        return 0
    hold_open(review)
    mine = ReviewItem.objects.filter(review=review, reviewer__in=gone, submitted_at=None)
    kept_back = mine.filter(state__in=["certified", "revoked"])
    locked_items(list(kept_back.values_list("pk", flat=True)))
    kept_back.update(**UNDECIDED)
    pks = list(mine.filter(state="open").order_by("pk").values_list("pk", flat=True)[:MOST])
    return _move(review, pks, reviewers.chain(review), None, "their reviewer is no longer here")


@transaction.atomic
def _away(review: AccessReview) -> int:
    """Whoever comes back only after the due date is stood in for, by the delegate they named."""
    absences = Absence.objects.now().filter(
        ends_at__gte=review.due_at, person__in=ReviewTurn.objects.filter(review=review).values("person")
    )
    away = {absence.person_id: absence.delegate_id for absence in absences}
    moved = 0
    for person, delegate in away.items():
        items = ReviewItem.objects.filter(review=review, reviewer=person, state="open").order_by("pk")
        if pks := list(items.values_list("pk", flat=True)[:MOST]):
            hold_open(review)
            stand_in: list[Candidate] = [(str(delegate), "delegate")] if delegate and delegate not in away else []
            found = [*stand_in, *reviewers.chain(review)]
            moved += _move(review, pks, found, None, "their reviewer is away", keep=True, but=list(away))
    return moved


@transaction.atomic
def _void(review: AccessReview) -> int:
    """It turned out since whose door it is: a certification by that person does not count."""
    hold_open(review)
    items = list(own_decisions(review).order_by("pk").select_for_update(of=("self",))[:MOST])
    for item in items:
        audit.record(None, "review_item.voided", item, review=review.pk, whose=item.decided_by_id, grant=item.grant_id)
    ReviewItem.objects.filter(pk__in=[item.pk for item in items]).update(**UNDECIDED)
    return len(items)


def own_decisions(review: AccessReview) -> QuerySet[ReviewItem]:
    """Certified by somebody who has the door, or gave it, as the ledger says now."""
    by = ReviewItem.objects.filter(review=review, state="certified")
    return by.filter(_whose("decided_by"))


def _own(review: AccessReview) -> int:
    """Undecided items that are nobody's, or of somebody who turned out to have the door."""
    items = ReviewItem.objects.filter(Q(reviewer=None) | _whose("reviewer"), review=review, state="open")
    pks = list(items.order_by("pk").values_list("pk", flat=True)[:MOST])
    if not pks:
        return 0
    with transaction.atomic():
        hold_open(review)
        return _move(review, pks, reviewers.chain(review), None, "who reviewed it may not")


def _whose(field: str) -> Q:
    who = F(field)
    return Q(grant__person=who) | Q(grant__granted_by=who) | Q(grant__identity__person=who)


def _move(
    review: AccessReview, pks: Sequence[int], candidates: Sequence[Candidate], by: Person | None, reason: str, *,
    others: bool = True, keep: bool = False, but: Sequence[int] = (),
) -> int:  # fmt: skip
    """Give each item the first who may look at it; how many changed hands. `others`: administrators too. `keep`: where
    nobody else may, it stays where it is. `but`: not these people.
    """
    if not pks:
        return 0
    locked_items(pks)
    picked = reviewers.pick(candidates, NEVER, administrators=others, but=but)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE {ReviewItem._meta.db_table} AS item SET reviewer_id = s.who, why = coalesce(s.why, ''),
                shown_at = NULL, handed = item.handed || jsonb_build_array(jsonb_build_object('from', item.reviewer_id,
                    'to', s.who, 'by', %s, 'why', %s, 'at', to_char(statement_timestamp() AT TIME ZONE 'UTC',
                    'YYYY-MM-DD"T"HH24:MI:SS"Z"')))
            FROM (SELECT i.id, r.who, r.why FROM {ReviewItem._meta.db_table} i
                JOIN channels_registry_accessgrant g ON g.id = i.grant_id {reviewers.JOINED}
                LEFT JOIN accounts_person w ON w.id = i.reviewer_id {picked.text}
                WHERE i.id = ANY(%s) AND i.state = 'open') AS s
            WHERE item.id = s.id AND item.state = 'open' AND s.who IS DISTINCT FROM item.reviewer_id
                AND (s.who IS NOT NULL OR NOT %s)
            RETURNING item.id
            """,  # noqa: S608
            [by.pk if by else None, reason, *picked.params, list(pks), keep],
        )
        moved = len(cursor.fetchall())
    if moved:
        give_turns(review)
        if by is None:
            audit.record(None, "access_review.reassigned", review, items=moved, why=reason)
    return moved
