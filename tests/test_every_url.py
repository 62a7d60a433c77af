"""Every address and everybody: a new address fails here until RULES says who may ask for it.

Everybody of the cast asks for every address, with an object of a channel on which alice, bob, gina and hana work.
charlie may nothing; olga manages another channel, and that opens nothing here; dana has left and is nobody any more.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests import factories, pages
from tests.company import PASSWORD, Company, found
from tests.tools import Tool

CAST = ("nobody", "dana", "charlie", "olga", "alice", "bob", "hana", "gina", "frank", "erin")
SIGNED_IN = frozenset(CAST) - {"nobody", "dana"}
EVERYBODY = frozenset(CAST)
SEE_BLUE = "alice bob hana gina frank erin"  # grants on the channel; frank and erin by their roles
PUBLISH_BLUE, APPROVE_BLUE, ANSWER_BLUE = "alice gina", "bob hana gina", "alice bob"


@dataclass(frozen=True)
class Rule:
    """`may`: names of the cast. `example` names the object (tests/company.py). With `post` that is sent, else GET."""

    may: frozenset[str]
    example: str = ""
    args: Callable[[Company], tuple] | None = None
    post: dict[str, Any] | Callable[[Company], dict[str, Any]] | None = None

    def sent(self, company: Company) -> dict[str, Any] | None:
        return self.post(company) if callable(self.post) else self.post

    def path(self, name: str, company: Company) -> str:
        if self.args:
            return reverse(name, args=self.args(company))
        return reverse(name, args=[company.examples[self.example].pk] if self.example else [])


def only(names: str, example: str = "", **more: Any) -> Rule:
    return Rule(frozenset(names.split()), example, **more)


def signed_in(example: str = "", **more: Any) -> Rule:
    return Rule(SIGNED_IN, example, **more)


def everybody(example: str = "", **more: Any) -> Rule:
    return Rule(EVERYBODY, example, **more)


READ_REVIEWS = "gina frank erin"  # by their roles; gina is asked as well
SOMEBODY = {"person": "hana@example.test", "reason": "Stands in."}
WRITE = "alice gina olga"  # on some channel: the library is the whole company's


def _picture(company: Company) -> tuple:
    return company.examples["draft"].pk, company.examples["asset"].pk


def _thread(company: Company) -> tuple:
    return company.examples["draft"].pk, company.examples["comment"].thread_id


def _handover(company: Company) -> dict:
    return {"of": company.people["gina"].pk, "to": company.people["hana"].email, "reason": "She knows the team"}


def _sample(company: Company) -> dict:
    return {"rechecker": company.people["hana"].email, "size": 1}


ASKED_ELSEWHERE = {
    "upload": "tests/publishing/test_uploading.py",  # HEAD, PATCH and DELETE
    "healthz": "tests/test_health.py",
    "readyz": "tests/test_health.py",  # it looks at the connection that this test's transaction stands on
    "metrics": "tests/test_health.py",  # this machine, or the token
}
SIGNED = {"webhook", "people_hook"}  # its body is read as bytes, by its signature
EVERYBODY_SEES = {  # examples that everybody who works here may know of
    "leaver": "people are known to all", "writer": "people are known to all", "role_ending": "people are known to all",
    "blackout": "blackouts over everything are known to all",
    "hold": "holds are known to all", "hold_task": "holds are known to all", "campaign": "campaigns are known to all",
    "phrase_rule": "rules about words are known to all", "snippet": "snippets are for all",
    "note": "notes on days are for all",
}  # fmt: skip
RULES: dict[str, Rule] = {
    # socialops
    "today": signed_in(),
    "search": signed_in(),
    "theme": signed_in(post={"theme": "dark"}),
    # in front of the door
    "account_login": everybody(),
    "account_logout": everybody(),
    "account_inactive": everybody(),
    "account_signup": everybody(),  # says that there is none
    "account_reset_password": everybody(),
    "account_reset_password_done": everybody(),
    "account_reset_password_from_key": everybody(args=lambda _: ("a", "b-c")),
    "account_reset_password_from_key_done": everybody(),
    "account_email_verification_sent": everybody(),
    "account_confirm_email": everybody(args=lambda _: ("gone",)),
    "mfa_authenticate": everybody(),
    "mfa_login_webauthn": everybody(),
    "invitation": everybody(args=lambda _: ("no-such-invitation",)),  # without a link that opens: says so, 410
    # one's own login
    "account_reauthenticate": signed_in(),
    "account_change_password": signed_in(),
    "usersessions_list": signed_in(),
    "settings": signed_in(post={"time_zone": "UTC"}),
    "working_hours": signed_in(post={"working_days": ["0"], "working_from": "09:00", "working_until": "17:00"}),
    "absence_list": signed_in(),
    "absence_withdrawal": only("bob", "absence", post={}),
    "mfa_index": signed_in(),
    "mfa_reauthenticate": signed_in(),
    "mfa_reauthenticate_webauthn": signed_in(),
    "mfa_activate_totp": signed_in(),
    "mfa_list_webauthn": signed_in(),
    "mfa_add_webauthn": signed_in(),
    "mfa_deactivate_totp": only("frank"),
    "mfa_view_recovery_codes": only("frank"),
    "mfa_generate_recovery_codes": signed_in(),
    "mfa_download_recovery_codes": only("frank"),
    "mfa_edit_webauthn": only("frank", "key"),
    "mfa_remove_webauthn": only("frank", "key"),
    # people
    "person_list": signed_in(),
    "person": signed_in("leaver"),
    "person_new": only("erin"),
    "person_roles": only("erin", "writer", post={"role": "auditor"}),
    "role_ending": only("erin", args=lambda company: (company.people["gina"].pk, "social_lead"), post={}),
    "person_teams": only("erin", "writer", post={"team": "Night desk"}),
    "team_ending": only("erin", args=lambda c: (c.people["alice"].pk, c.examples["membership"].pk), post={}),
    "invitation_new": only("erin", "leaver", post={}),
    "departure_new": only("erin", "writer"),
    "departure_withdrawal": only("erin", "leaving"),
    "token_list": signed_in(),
    "token_ending": only("alice erin", "token", post={}),
    "everybodys_tokens": only("erin"),
    "notification_list": signed_in(),
    "notification_reading": signed_in(post={}),
    "audit_list": only("erin frank"),
    "leaver_list_list": only("erin"),
    "leaver_list": only("erin", "leaver_list"),
    "leaver_list_application": only("erin", "leaver_list", post={"what": "good"}),
    "directory": only("erin"),
    "directory_key_ending": only("erin", "directory_key", post={}),
    "directory_key_adoption": only("erin", "directory_key", post={}),
    "directory_matter_list": only("erin"),
    "directory_matter_decision": only("erin", "directory_matter", post={"decision": "leave"}),
    # the directory's own: its token opens them, and nobody's login or token (tests/accounts/scim)
    "scim_config": only(""),
    "scim_types": only(""),
    "scim_type": only("", args=lambda _: ("User",)),
    "scim_schemas": only(""),
    "scim_schema": only("", args=lambda _: ("urn:ietf:params:scim:schemas:core:2.0:User",)),
    "scim_users": only(""),
    "scim_user_search": only("", post={}),
    "scim_user": only("", "writer"),
    "scim_groups": only(""),
    "scim_group_search": only("", post={}),
    "scim_group": only("", args=lambda c: (c.examples["membership"].team_id,)),
    "scim_search": only("", post={}),
    "scim_nothing": only("", args=lambda _: ("v1/Users",)),
    "endpoint_list": only("erin"),
    "endpoint_new": only("erin"),
    "endpoint": only("erin", "endpoint"),
    "endpoint_change": only("erin", "endpoint"),
    "endpoint_secret": only("erin", "endpoint", post={}),
    "endpoint_test": only("erin", "endpoint", post={}),
    "endpoint_pause": only("erin", "endpoint", post={}),
    "endpoint_resumption": only("erin", "endpoint", post={}),
    "endpoint_adoption": only("erin", "endpoint", post={}),
    "endpoint_removal": only("erin", "endpoint"),
    "webhook_resending": only("erin", args=lambda c: (c.examples["endpoint"].pk, c.examples["told"].pk), post={}),
    "mail_list": only("erin"),
    "mails_decision": only("erin", post={"decision": "over"}),
    "mail_decision": only("erin", "mail", post={"decision": "over"}),
    # socialops
    "outlook": signed_in(),
    "stylesheet": everybody(args=lambda _: ("0",)),
    # publishing
    "calendar": signed_in(),
    "blackout_list": signed_in(),
    "blackout": signed_in("blackout"),
    "blackout_ending": only("gina erin", "blackout", post={}),
    "note_list": signed_in(),
    "note": signed_in("note"),
    "note_removal": only("alice gina erin olga", "note", post={}),
    "saved_view_list": signed_in(),
    "saved_view_removal": only("alice", "saved_view", post={}),
    "saved_view_opening": only("alice", "saved_view", post={}),
    "feed_list": signed_in(),
    "feed_ending": only("alice erin", "feed", post={}),
    "person_feeds": signed_in("writer"),  # empty for others than administrators
    "feed": Rule(frozenset(), args=lambda _: ("no-such-link",)),  # a link that opens nothing: 404 for everybody
    "queue": only(SEE_BLUE, "blue"),
    "slot": only(PUBLISH_BLUE, "slot", post={"remove": "yes"}),
    "queued": only(PUBLISH_BLUE, "variant", post={}),
    "queue_place": only(PUBLISH_BLUE, "publication", post={}),
    "embargo": only(SEE_BLUE, "draft"),
    "post_list": signed_in(),
    "post_new": signed_in(),
    "post_previews": signed_in(post={}),
    "post_export": signed_in(),
    "import_list": only(WRITE),
    "import": only("alice", "import"),
    "import_reading": only("alice", "import", post={}),
    "import_posts": only("alice", "import", post={}),
    "import_stopping": only("alice", "import", post={}),
    "import_row": only("alice", args=lambda c: (c.examples["import"].pk, 2)),
    "post": only(SEE_BLUE, "draft"),
    "autosave_new": signed_in(post={}),
    "autosave": only(SEE_BLUE, "draft", post={}),  # without a page's name nothing is kept
    "unsaved": only("alice", args=lambda c: (c.examples["draft"].pk, c.examples["unsaved"].pk), post={}),
    "comment_list": only(SEE_BLUE, "draft"),
    "thread": only("alice bob hana gina erin", args=_thread, post={"text": "Yes."}),
    "thread_resolution": only("alice bob hana gina erin", args=_thread, post={}),
    "thread_reopening": only("alice bob hana gina erin", args=_thread, post={}),
    "comment_withdrawal": only("alice", "comment", post={}),
    "revision_list": only(SEE_BLUE, "draft"),
    "revision": only(SEE_BLUE, args=lambda c: (c.examples["draft"].pk, 1)),
    "post_media": only(SEE_BLUE, "draft"),
    "post_picture": only("alice gina", args=_picture, post={"expected_revision": "1"}),
    "picture_order": only("alice gina", args=_picture, post={"expected_revision": "1"}),
    "picture_removal": only("alice gina", args=_picture, post={"expected_revision": "1"}),
    "submission": only(SEE_BLUE, "draft"),
    "submission_withdrawal": only("alice gina", args=lambda c: (c.examples["approval"].revision.post_id,), post={}),
    "asset_list": signed_in(),
    "asset_new": only(WRITE),
    "asset": only(WRITE, "asset"),
    "asset_archiving": only(WRITE, "asset", post={}),
    "asset_crop": only(WRITE, args=lambda c: (c.examples["asset"].pk, "1:1")),
    "takedown_list": signed_in(),
    "upload_new": only(WRITE, post={}),  # says that its length is missing
    "rendition_file": only(WRITE, "rendition"),
    "card_picture": signed_in(args=lambda company: (company.examples["card"].sha256,)),
    "submission_time": only("alice gina", "draft"),
    "approval_list": signed_in(),
    "approval": only(SEE_BLUE, "approval"),
    "decisions": signed_in(post={}),
    "decision": only(
        APPROVE_BLUE,
        "approval",
        post=lambda c: {"verdict": "approved", "revision_hash": c.examples["approval"].revision.hash},
    ),
    "approval_withdrawal": only(APPROVE_BLUE, "approval", post={}),
    "agreement": everybody(args=lambda _: ("no-such-link",)),  # without a link that opens: says so, 410
    "agreement_post": everybody(args=lambda _: ("no-such-link",)),
    "agreement_comments": everybody(args=lambda _: ("no-such-link",), post={"text": "Yes."}),
    "agreement_file": everybody(args=lambda _: ("no-such-file",)),
    "agreement_link": only("alice gina erin", "agreement_link", post={}),
    "external_list": only("gina erin"),
    "external_ending": only("gina erin", "external", post={}),
    "workflow_list": signed_in(),
    "workflow_new": only("gina erin"),
    "workflow": only("gina erin", "workflow"),
    "workflow_archival": only("gina erin", "workflow", post={}),
    "step_new": only("gina erin", "workflow"),
    "step": only("gina erin", "step"),
    "step_removal": only("gina erin", "step", post={}),
    "schedule": only(PUBLISH_BLUE, "variant"),
    "repetition": only(PUBLISH_BLUE, "variant"),
    "repetition_ending": only(PUBLISH_BLUE, "variant", post={}),
    "repetition_adoption": only(PUBLISH_BLUE, "variant", post={}),
    "phrase_list": signed_in(),
    "phrase_ending": only("gina erin", "phrase_rule", post={}),
    "snippet_list": signed_in(),
    "snippet_removal": only("alice gina erin", "snippet", post={}),
    "publication_list": signed_in(),
    "publication": only(SEE_BLUE, "publication"),
    "publication_time": only(PUBLISH_BLUE, "publication"),
    "publication_move": only(PUBLISH_BLUE, "publication", post={"to": "2999-01-01T09:00", "zone": "UTC"}),
    "publication_cancellation": only(PUBLISH_BLUE, "publication", post={}),
    "publication_adoption": only(PUBLISH_BLUE, "publication", post={}),
    "publication_keeping": only(PUBLISH_BLUE, "publication", post={}),
    "publication_confirmation": only(PUBLISH_BLUE, "publication", post={"url": "https://example.org/1"}),
    "publication_resending": only(PUBLISH_BLUE, "publication", post={}),
    "publication_absence": only(PUBLISH_BLUE, "publication", post={}),
    "publication_edit": only(PUBLISH_BLUE, "publication"),
    "publication_deletion": only(PUBLISH_BLUE, "publication"),
    "correction_withdrawal": only(PUBLISH_BLUE, "correction", post={}),
    "correction_confirmation": only(PUBLISH_BLUE, "correction", post={}),
    "correction_absence": only(PUBLISH_BLUE, "correction", post={}),
    "campaign_list": signed_in(),
    "campaign_new": only("alice gina erin olga"),
    "campaign": signed_in("campaign"),
    "campaign_change": only("alice gina erin", "campaign"),
    "campaign_archiving": only("alice gina erin", "campaign", post={}),
    "campaign_restoring": only("alice gina erin", "campaign", post={}),
    "tag_list": signed_in(),
    "request_list": only("alice olga gina erin"),
    "request": only("alice olga gina erin", "request"),
    "request_acceptance": only("alice olga gina erin", "request", post={}),
    "request_refusal": only("alice olga gina erin", "request", post={"reason": "unclear"}),
    "request_duplicate": only("alice olga gina erin", "request", post={}),
    "intake_list": only("gina erin"),
    "intake_link": only("gina erin", "intake", post={}),
    "intake_closing": only("gina erin", "intake", post={}),
    "asking": everybody(args=lambda _: ("no-such-link",)),  # without a link that opens: says so, 410
    "asked": everybody(args=lambda _: ("no-such-link",)),
    "hold_list": signed_in(),
    "hold_new": only("alice olga gina erin"),  # olga: for the channel she manages; alice: for her campaign
    "hold_lifting": only("gina erin", "hold", post={}),
    "hold_triage": signed_in("hold"),
    "hold_task": only("alice gina erin", "hold_task", post={"note": "Paused in the manager."}),
    # the same by a tool: what is asked with a browser's session alone is asked in tests/accounts/test_api.py
    "api_me": signed_in(),
    "api_channels": signed_in(),
    "api_channel_proposals": signed_in(),
    "api_channel_proposal": only("alice gina frank erin", "channel_proposal"),
    "api_channel": only(SEE_BLUE, "blue"),
    "api_campaigns": signed_in(),
    "api_campaign": signed_in("campaign"),
    "api_posts": signed_in(),
    "api_post": only(SEE_BLUE, "draft"),
    "api_comments": only(SEE_BLUE, "draft"),
    "api_assets": signed_in(),
    "api_asset": only(WRITE, "asset"),
    "api_pictures": only("alice gina", "draft", post=lambda c: {"asset": c.examples["asset"].pk, "revision": 0}),
    "api_picture_removal": only("alice gina", "draft", post=lambda c: {"asset": c.examples["asset"].pk, "revision": 0}),
    "api_submission": only("alice gina", "draft", post={}),
    "api_submission_withdrawal": only("alice gina", args=lambda c: (c.examples["approval"].revision.post_id,), post={}),
    "api_approvals": signed_in(),
    "api_approvals_of_post": only(SEE_BLUE, "draft"),
    "api_approval": only(SEE_BLUE, "approval"),
    "api_decision": only(
        APPROVE_BLUE,
        "approval",
        post=lambda c: {"verdict": "approved", "revision_hash": c.examples["approval"].revision.hash},
    ),
    "api_approval_withdrawal": only(APPROVE_BLUE, "approval", post={}),
    "api_publications": signed_in(),
    "api_publication": only(SEE_BLUE, "publication"),
    "api_schedule": only(
        PUBLISH_BLUE,
        args=lambda c: (c.examples["variant"].post_id,),
        post=lambda c: {"channel": c.examples["variant"].channel_id, "now": True},
    ),
    "api_publication_time": only(PUBLISH_BLUE, "publication", post={"wall_time": "2999-01-01T09:00"}),
    "api_cancellation": only(PUBLISH_BLUE, "publication", post={}),
    "openapi": everybody(),
    "reference": signed_in(),
    # inbox
    "inbox": signed_in(),
    "conversation": only(SEE_BLUE, "conversation"),
    "reply_new": only(ANSWER_BLUE, "conversation", post={"text": "Hello"}),
    "assignment_new": only(ANSWER_BLUE, "conversation", post={}),
    "resolution": only(ANSWER_BLUE, "conversation", post={}),
    "reopening": only(ANSWER_BLUE, "conversation", post={}),
    "snooze": only(ANSWER_BLUE, "conversation", post={"span": "hours"}),
    "reply_cancellation": only(ANSWER_BLUE, "reply", post={}),
    "reply_adoption": only(ANSWER_BLUE, "reply", post={}),
    "reply_resending": only(ANSWER_BLUE, "reply", post={}),
    "reply_confirmation": only(ANSWER_BLUE, "reply", post={}),
    "people_hook": only("", post={}),  # unsigned
    "webhook": only("", "webhooked", post={}),  # unsigned: nobody, whoever is signed in
    # channels
    "channel_list": signed_in(),
    "channel_new": only("erin"),
    "network_list": signed_in(),
    "channel_doors": only(SEE_BLUE, "blue"),
    "matrix": only("olga frank erin"),  # she manages a channel, and sees that one
    "single_points": only("olga frank erin"),
    "ledger_export": only("olga frank erin", post={}),
    "matrix_view_list": only("olga frank erin"),
    "matrix_view_removal": only("erin", "matrix_view", post={}),
    "channel": only(SEE_BLUE, "blue"),
    "channel_change": only("erin", "blue"),
    "channel_risk": only(SEE_BLUE, "blue"),
    "impostor_list": signed_in(),
    "impostor_new": signed_in(),
    "impostor": only("alice gina frank erin", "impostor"),  # alice reported it
    "impostor_evidence": only("alice gina frank erin", "impostor"),
    "impostor_decision": only("gina erin", "impostor", post={"state": "impostor", "why": "It asks for cards."}),
    "impostor_step": only("gina erin", "impostor", post={"kind": "note", "text": "It has 12 followers."}),
    "impostor_assignment": only("gina erin", "impostor", post=lambda c: {"to": c.people["bob"].pk}),
    "impostor_adoption": only("erin", "impostor_rogue", post=lambda c: {"name": "Ours", "owner": c.people["gina"].pk}),
    "channel_proposal_list": signed_in(),
    "channel_proposal_new": signed_in(),
    "channel_proposal": only("alice gina frank erin", "channel_proposal"),  # alice proposed it
    "channel_proposal_approval": only("gina erin", "channel_proposal", post={}),
    "channel_proposal_return": only("gina erin", "channel_proposal", post={"note": "Say for how long."}),
    "channel_proposal_withdrawal": only("alice erin", "channel_proposal", post={}),
    "channel_proposal_answer": only(
        "alice gina erin", "channel_proposal", post={"item": "mfa", "answer": "A key in the safe"}
    ),
    "channel_proposal_opening": only("erin", "channel_proposal", post={}),
    "channel_state": only("erin", "blue"),
    "channel_retirement": only(SEE_BLUE, "blue"),
    "channel_retirement_ending": only("erin", "blue", post={}),
    "channel_retirement_withdrawal": only("erin", "blue", post={}),
    "channel_export": only("gina frank erin"),
    "channel_import_list": only("erin"),
    "channel_import": only("erin", "channel_import"),
    "channel_import_reading": only("erin", "channel_import", post={}),
    "channel_import_start": only("erin", "channel_import", post={}),
    "channel_import_stopping": only("erin", "channel_import", post={}),
    "channel_import_errors": only("erin", "channel_import"),
    "channel_import_row": only("erin", args=lambda c: (c.examples["channel_import"].pk, 3)),
    "channel_risk_ending": only("erin", "blue", post={}),
    "channel_review": only(SEE_BLUE, "blue"),
    "connection_new": only("erin", "blue"),
    "connection": only("erin", "connection"),
    "connection_ending": only("erin", "blue", post={}),
    "connection_health": only(SEE_BLUE, "blue"),
    "rehearsal_new": only("erin", "blue", post={}),
    "next_authoriser": only("erin", "blue", post={}),
    "failing_posts": only(SEE_BLUE, "blue"),
    "channel_webhook": only("erin", "webhooked"),
    "grant_new": only("erin", "blue"),
    "grant_revocation": only("alice erin", "standing_grant"),  # alice: her own
    "grant_extension": only("erin", "ending_grant"),
    "person_access": signed_in("writer"),
    "login_list": signed_in(),
    "login_new": only("olga erin"),
    "login": only(SEE_BLUE, "login"),
    "login_holder": only("erin", "login", post=SOMEBODY),
    "rotation_new": only("gina erin", "login", post={"note": "Changed."}),
    "rotation": only("erin", "rotation", post={}),
    "tool_list": signed_in(),
    "tool_new": only("erin"),
    "tool": only(SEE_BLUE, "tool"),
    "tool_seat": only("erin", "tool", post=SOMEBODY),
    "access_request_list": signed_in(),
    "access_request_new": signed_in(),
    "access_request": only("hana gina frank erin", "access_request"),
    "access_request_decision": only("gina", "access_request", post={"verdict": "approved"}),
    "access_request_withdrawal": only("hana", "access_request", post={}),
    "access_request_grant": only("gina frank erin", "access_request", post={}),  # says that a right gives itself
    "break_glass_list": signed_in(),
    "break_glass_new": signed_in(),
    "break_glass": only("alice gina frank erin", "break_glass"),
    "break_glass_decision": only("gina erin", "break_glass", post={"decision": "confirm"}),
    "break_glass_report": only("alice", "break_glass", post={"report": "Done."}),
    "break_glass_review": only("gina erin", "break_glass", post={"note": "Fine."}),
    "finding_list": signed_in(),
    "finding": only("gina frank erin", "finding"),
    "finding_decision": only("erin", "finding", post={"decision": "service", "reason": "Our own."}),
    "finding_acceptance": only("erin", "finding", post={"until": "2999-01-01T09:00", "reason": "For now."}),
    "identity_list": signed_in(),
    "identity_match": only("erin", "identity", post={}),
    "revocation": only(SEE_BLUE, "revocation"),
    "revocation_evidence": only("", "revocation"),  # there is none yet
    "revocation_taking": only("gina erin", "revocation", post={}),
    "revocation_attestation": only("gina erin", "revocation", post={"note": "Seen on the network's page."}),
    "revocation_confirmation": only(SEE_BLUE, "revocation", post={}),  # says that nothing is attested yet
    "revocation_objection": only(SEE_BLUE, "revocation", post={}),
    "revocation_unprovable": only("gina erin", "revocation", post={"note": "The network shows no list."}),
    "revocation_handwork": only("gina erin", "revocation", post={}),
    "revocation_attempt": only("gina erin", "revocation", post={}),
    "revocation_withdrawal": only("erin", "revocation", post={"reason": "Not needed."}),
    # governance: auditors read, administrators act
    "review_list": signed_in(),
    "review_new": only("erin"),
    "review": only(READ_REVIEWS, "review"),
    "review_next": only(READ_REVIEWS, "review"),
    "review_items": only(READ_REVIEWS, "review"),
    "review_handing_in": only(READ_REVIEWS, "review", post={}),
    "review_handover": only("gina erin", "review", post=_handover),
    "review_cancellation": only("erin", "review", post={"reason": "Begun by mistake"}),
    "review_attestation": only(READ_REVIEWS, "review"),
    "review_sample_new": only(
        "frank erin", "reviewed", post=lambda c: {"rechecker": c.people["hana"].email, "size": 1}
    ),
    "review_item": only(READ_REVIEWS, "review_item"),
    "review_item_decision": only("gina", "review_item", post={"verdict": "certified", "reason": "Still works on it"}),
    "review_item_undo": only("gina", "decided_item", post={}),
    "review_item_handover": only("gina erin", "review_item", post=_handover),
    "review_item_acceptance": only("gina", "review_item", post={"reason": "It will do"}),  # erin gave the door
    "review_sample": only(f"{READ_REVIEWS} hana", "sample"),
    "review_recheck": only("hana", "drawn", post={"verdict": "certified"}),
    "person_cover": only("alice gina frank erin", "writer"),
    "case_list": only("frank erin"),
    "case": only("frank erin", "case"),
    "case_closing": only("erin", "case", post={}),
    "case_successor": only("erin", "case", post={"email": "gina@example.test"}),
    "batch_new": only("erin"),
    "batch": only("frank erin", "batch"),
    "case_evidence": only("frank erin", "case", post={}),
    "acceptance_new": only("erin", "door", post={"reason": "The vendor has no list."}),
    "acceptance": only("erin", "acceptance", post={}),
    "person_case": signed_in("leaver"),  # empty for whoever may not read
    "evidence_list": only("frank erin"),
    "evidence": only("frank erin", "evidence"),
    "evidence_file": only("frank erin", "evidence"),
    "evidence_new": only("frank erin"),
    "evidence_report": only("frank erin", "evidence"),
    "evidence_making": only("frank erin", "evidence", post={}),  # says that it is made
    "legal_hold_list": only("frank erin"),
    "legal_hold_lifting": only("erin", "legal_hold", post={"reason": "Settled."}),
    "erasure": only("frank erin", "leaver"),
    "erasure_confirmation": only("erin", "erasure", post={}),
    "erasure_withdrawal": only("erin", "erasure", post={}),
}


@pytest.fixture(scope="module", autouse=True)
def _contexts_are_not_kept() -> Iterator[None]:
    """Nobody here asks what a template was given; a test client copies it for each of the thousands of pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.test.client.store_rendered_templates", lambda *_, **__: None)
        yield


@pytest.fixture(scope="module")
def company(django_db_setup, django_db_blocker) -> Iterator[Company]:
    """One company for all questions; each question is rolled back."""
    with django_db_blocker.unblock(), transaction.atomic():
        company = found()
        company.people["olga"] = factories.person("olga")
        factories.user(company.people["olga"], PASSWORD)
        other = factories.channel("sandbox", owner=company.people["olga"], handle="elsewhere")
        factories.grant(other, company.people["olga"], "manager")
        _more_examples(company)
        pages.give_second_factor(company)
        yield company
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def tools(company, django_db_blocker) -> dict[str, Client]:
    """A tool for each of the cast, with a token that is good for everything; nobody and dana have made theirs up."""
    made_up = Client(headers={"Authorization": f"Bearer socialops_{'0' * 64}"})
    with django_db_blocker.unblock():
        return {who: Tool(company.people[who]).client if who in SIGNED_IN else made_up for who in CAST}


@pytest.fixture(scope="module")
def browsers(company, django_db_blocker) -> Iterator[dict[str, Client]]:
    """A browser for each of the cast, who have all just given their password once more, however long this takes."""
    with django_db_blocker.unblock():
        made = {who: Client() if who == "nobody" else factories.confirmed(company.people[who]) for who in CAST}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "ACCOUNT_REAUTHENTICATION_TIMEOUT", 24 * 60 * 60)
        yield made


def _more_examples(company: Company) -> None:
    from accounts import issuing, notifying, people
    from governance.models import RiskAcceptance
    from inbox import replying

    company.examples["acceptance"] = RiskAcceptance.objects.create(
        door=company.examples["door"], asked_by=factories.erin(), reason="The vendor has no list."
    )
    company.examples["membership"] = people.join_team(company.people["alice"], "EMEA", factories.erin())
    company.examples |= factories.directory()
    company.examples["token"] = issuing.issue(company.people["alice"], "Newsroom", ["posts:read"], 30)[0]
    company.examples["mail"] = notifying.send_mail(company.people["alice"], "Hello", "Text")
    company.examples["correction"] = _taken_down(company)
    company.examples["blue"] = company.channels["blue"]
    company.examples["connection"] = company.channels["blue"].connections.get()
    company.examples["reply"] = replying.reply(company.examples["conversation"], "Hello.", company.people["bob"])


def _taken_down(company: Company):
    """A post that is out on the channel, and is being taken down."""
    from publishing.models import Correction, Publication

    there = Publication.objects.filter(channel=company.channels["blue"]).first()
    now = there.due_at
    return Correction.objects.create(
        publication=there, channel=there.channel, kind="delete", why="Wrong price", answerable=company.people["gina"],
        due_at=now, next_attempt_at=now,
    )  # fmt: skip


def addresses() -> dict[str, URLPattern]:
    return {pattern.name or str(pattern.pattern): pattern for pattern in _patterns(get_resolver().url_patterns)}


def _patterns(patterns) -> Iterator[URLPattern]:
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from _patterns(each.url_patterns)
        else:
            yield each


def ask(company: Company, browser: Client, name: str, path: str = "") -> int:
    """The status this browser gets, at `path` if that is given; 401 when it is sent to sign in."""
    rule = RULES[name]
    path, sent = path or rule.path(name, company), rule.sent(company)
    with transaction.atomic():
        if name.startswith(settings.TOOL_URLS) and sent is not None:
            answer = browser.post(path, sent, "application/json")
        else:
            answer = browser.get(path) if sent is None else browser.post(path, sent)
        transaction.set_rollback(True)
    return 401 if getattr(answer, "url", "").startswith("/account/login/?next=") else answer.status_code


def test_every_address_has_a_rule_and_every_rule_an_address():
    offered = addresses().keys() - settings.SHUT_URLS - ASKED_ELSEWHERE.keys()
    assert offered - RULES.keys() == set(), "say in RULES who may ask for these"
    assert RULES.keys() - offered == set(), "these addresses are gone"


@pytest.mark.parametrize("name", sorted(RULES))
def test_only_who_may_gets_in(company, browsers, tools, name, django_db_blocker):
    with django_db_blocker.unblock():
        got = {who: ask(company, each, name) for who, each in _theirs(name, browsers, tools).items()}
    refused = {who for who, status in got.items() if status in (401, 403, 404)}
    assert refused == EVERYBODY - RULES[name].may, got
    assert all(status < 500 for status in got.values()), got
    if name not in settings.OPEN_URLS:
        assert (got["nobody"], got["dana"]) == (401, 401)


@pytest.mark.parametrize("name", sorted(name for name, rule in RULES.items() if rule.example or rule.args))
def test_who_may_not_see_a_thing_is_told_the_same_whether_it_is_there_or_not(
    company, browsers, tools, name, django_db_blocker
):
    """Else a stranger counts what there is, and finds out who is about to leave. GET and POST alike."""
    rule = RULES[name]
    if why := EVERYBODY_SEES.get(rule.example or name):
        pytest.skip(why)
    with django_db_blocker.unblock():
        for who in {"nobody", "dana", "charlie", "olga"} - rule.may:
            there = rule.path(name, company)
            for method in ("get", "post"):
                each = _theirs(name, browsers, tools)[who]
                told = {path: _told(each, method, path) for path in (there, *_elsewhere(there))}
                assert len(set(told.values())) == 1, (who, method, told)


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_character_that_cannot_be_kept_is_refused_everywhere_in_words(company, browsers, name, django_db_blocker):
    path = RULES[name].path(name, company)
    fields = dict.fromkeys(("q", "reason", "note", "text", "decision", "verdict", "login", "network"), "a\0b")
    with django_db_blocker.unblock():
        for who in ("erin", "nobody"):
            answers = [browsers[who].get(f"{path}?q=%00")]
            if name not in SIGNED and not name.startswith(settings.TOOL_URLS):
                answers.append(browsers[who].post(path, fields))
            for answer in answers:
                assert answer.status_code == 400
                assert "type that part by hand" in answer.content.decode()


@pytest.mark.parametrize("query", ["network=a%00", "a%00=network", "q=a&q=%00"])
def test_wherever_in_an_address_it_stands(browsers, query, django_db_blocker):
    with django_db_blocker.unblock():
        assert browsers["erin"].get(f"{reverse('today')}?{query}").status_code == 400


def test_a_cookie_that_cannot_be_a_session_is_as_good_as_none(browsers, django_db_blocker):
    with django_db_blocker.unblock():
        answer = Client(headers={"cookie": r'session="\000\000"'}).get(reverse("today"))
    assert answer.url.startswith(reverse("account_login"))


def test_charlie_cannot_find_out_who_is_about_to_leave(company, browsers, django_db_blocker):
    with django_db_blocker.unblock():
        for who in SIGNED_IN - {"erin"}:
            paths = [reverse("departure_withdrawal", args=[company.people[name].pk]) for name in ("charlie", "alice")]
            told = [_told(browsers[who], method, path) for method in ("get", "post") for path in paths]
            assert told == [403] * 4, who


def _theirs(name: str, browsers: dict[str, Client], tools: dict[str, Client]) -> dict[str, Client]:
    return tools if name.startswith(settings.TOOL_URLS) else browsers


def _told(browser: Client, method: str, path: str) -> int:
    with transaction.atomic():
        status = getattr(browser, method)(path).status_code
        transaction.set_rollback(True)
    return status


def _elsewhere(path: str) -> Iterator[str]:
    """The same address of a thing that is not there: its last number is what it is, one before it whose it is."""
    for number in list(re.finditer(r"\d+", path))[-1:]:
        yield f"{path[: number.start()]}987654321{path[number.end() :]}"


def test_every_open_address_is_meant_to_be():
    assert settings.OPEN_URLS & addresses().keys() <= {
        "account_login", "account_logout", "account_inactive", "account_signup", "account_reset_password",
        "account_reset_password_done", "account_reset_password_from_key", "account_reset_password_from_key_done",
        "account_confirm_email", "account_email_verification_sent", "mfa_authenticate", "mfa_login_webauthn",
        "invitation", "agreement", "agreement_post", "agreement_comments", "agreement_file", "asking", "asked", "feed",
        "webhook", "people_hook", "healthz", "readyz", "metrics", "stylesheet", "openapi",
    }  # fmt: skip
