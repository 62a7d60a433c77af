"""What the pages and the verbs of publishing read."""

from publishing.queries.agreeing import (
    Place,
    StageRow,
    agreements,
    asked_by,
    asked_of,
    may_answer,
    question_for,
    stage_rows,
    still_standing,
)  # fmt: skip
from publishing.queries.assets import Shelves, asset_page, shelves, takedowns, too_late_for, used_in, with_thumb
from publishing.queries.briefing import Brief, brief, brief_outside
from publishing.queries.calendar import days, entries, going_out
from publishing.queries.campaigns import STAGES, campaign_rows, next_out, posts_by_state, tags_in_use
from publishing.queries.checking import (
    Measure,
    Picture,
    connector_of,
    measure,
    media_limits_of,
    now,
    problems,
    renditions_in,
    rights_problem,
    variants_of,
)  # fmt: skip
from publishing.queries.comments import (
    Talk,
    Thread,
    one_thread,
    outsiders,
    says,
    talk,
    talk_outside,
    thread_page,
    unresolved,
)
from publishing.queries.deciding import approvers_of, decisions_on, seen_before, seen_outside
from publishing.queries.drawing import (
    Difference,
    Preview,
    as_asked,
    connected,
    differences,
    preview_of,
    previews,
    theirs_and_mine,
)
from publishing.queries.editing import Presence, presence
from publishing.queries.entries import Day, Entry
from publishing.queries.hanging import Hanging, hangings
from publishing.queries.history import Step, history
from publishing.queries.holds import (
    StandingHold,
    Stops,
    channels_in,
    held_by,
    holds_on,
    is_held,
    scope_of,
    standing_holds,
    stops,
    undecided,
)
from publishing.queries.intake import Standing, standing_of
from publishing.queries.lists import (
    SHELVES,
    URGENT,
    approvals_of,
    asked_now,
    asked_page,
    decided_by,
    post_page,
    progress,
    publication_page,
    rows_of,
    shelf_counts,
    wanted_time,
)  # fmt: skip
from publishing.queries.phrases import Hit, active_rules, hits, snippets, words_of
from publishing.queries.routing import Planned, plan, steps_of, traits_of, workflow_for, workflows
from publishing.queries.telling import attempts_told, clocks_told, what_to_do
from publishing.queries.waiting import failing_with, scheduled_from, standing_still, trouble, waiting_for

__all__ = [
    "SHELVES", "STAGES", "URGENT", "Brief", "Day", "Difference", "Entry", "Hanging", "Hit", "Measure", "Picture",
    "Place", "Planned", "Presence", "Preview", "Shelves", "StageRow", "Standing", "StandingHold", "Step", "Stops",
    "Talk", "Thread", "active_rules", "agreements", "approvals_of", "approvers_of", "as_asked", "asked_by", "asked_now",
    "asked_of", "asked_page", "asset_page", "attempts_told", "brief", "brief_outside", "campaign_rows", "channels_in",
    "clocks_told", "connected", "connector_of", "days", "decided_by", "decisions_on", "differences", "entries",
    "failing_with", "going_out", "hangings", "held_by", "history", "hits", "holds_on", "is_held", "may_answer",
    "measure",
    "media_limits_of", "next_out", "now", "one_thread", "outsiders", "plan", "post_page", "posts_by_state", "presence",
    "preview_of", "previews", "problems", "progress", "publication_page", "question_for", "renditions_in",
    "rights_problem", "rows_of", "says", "scheduled_from", "scope_of", "seen_before", "seen_outside",
    "shelf_counts", "shelves", "snippets", "stage_rows", "standing_holds", "standing_of", "standing_still",
    "steps_of",
    "still_standing", "stops", "tags_in_use", "takedowns", "talk", "talk_outside", "theirs_and_mine", "thread_page",
    "too_late_for", "traits_of", "trouble", "undecided", "unresolved", "used_in", "variants_of", "waiting_for",
    "wanted_time", "what_to_do", "with_thumb", "words_of", "workflow_for", "workflows",
]  # fmt: skip
