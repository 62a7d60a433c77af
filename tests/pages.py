"""Every page there is, read from the URL configuration, with somebody who may open it and an object to open it with.

A new address fails `test_every_page_has_an_example` until it stands in PAGES, or in NOT_PAGES with a reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from time import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

from tests import factories
from tests.company import Company


@dataclass(frozen=True)
class Page:
    """`example` is what Company.examples holds (tests/fernhill.py); `who` is of the cast, "" is not signed in."""

    example: str = ""
    who: str = "erin"
    args: tuple = ()
    query: str = ""
    stage: bool = False  # signed in half: the second factor is still due
    proof: bool = False  # has typed the code of the link from outside
    dry_run: int = 0  # more queries than a page's, fixed: each table is counted once, whatever stands in it


PAGES: dict[str, Page] = {
    "today": Page(who="bob"),
    "outlook": Page(who="bob"),
    "search": Page(query="?q=ac"),
    # in front of the door
    "account_login": Page(who=""),
    "account_inactive": Page(who=""),
    "account_signup": Page(who=""),
    "account_reset_password": Page(who=""),
    "account_reset_password_done": Page(who=""),
    "account_reset_password_from_key": Page(who="", args=("a", "b-c")),
    "account_reset_password_from_key_done": Page(who=""),
    "account_email_verification_sent": Page(who=""),
    "account_confirm_email": Page(who="", args=("gone",)),
    "mfa_authenticate": Page(who="frank", stage=True),
    "invitation": Page("invitation", who=""),
    # one's own login
    "account_logout": Page(),
    "account_reauthenticate": Page(),
    "account_change_password": Page(),
    "settings": Page(),
    "usersessions_list": Page(),
    "mfa_index": Page(who="frank"),
    "mfa_reauthenticate": Page(who="frank"),
    "mfa_reauthenticate_webauthn": Page(who="frank"),
    "mfa_activate_totp": Page(),
    "mfa_deactivate_totp": Page(who="frank"),
    "mfa_view_recovery_codes": Page(who="frank"),
    "mfa_generate_recovery_codes": Page(who="frank"),
    "mfa_list_webauthn": Page(who="frank"),
    "mfa_add_webauthn": Page(),
    "mfa_edit_webauthn": Page("key", who="frank"),
    "mfa_remove_webauthn": Page("key", who="frank"),
    # accounts
    "person_list": Page(),
    "person_new": Page(),
    "person": Page("leaver"),
    "absence_list": Page(who="bob"),
    "token_list": Page(who="alice"),
    "everybodys_tokens": Page(),
    "reference": Page(who="alice"),
    "departure_new": Page("writer"),
    "departure_withdrawal": Page("leaving"),
    "notification_list": Page(who="bob"),
    "audit_list": Page(),
    "endpoint_list": Page(),
    "endpoint_new": Page(),
    "endpoint": Page("endpoint"),
    "endpoint_change": Page("endpoint"),
    "endpoint_removal": Page("endpoint"),
    "leaver_list_list": Page(),
    "leaver_list": Page("leaver_list"),
    "directory": Page(),
    "directory_matter_list": Page(),
    "mail_list": Page(),
    # inbox
    "inbox": Page(who="alice"),
    "conversation": Page("conversation", who="alice"),
    "assignment_new": Page("conversation", who="alice"),
    # channels_registry
    "channel_list": Page(),
    "channel_new": Page(),
    "channel": Page("channel"),
    "channel_change": Page("channel"),
    "channel_risk": Page("channel"),
    "channel_import_list": Page(),
    "impostor_list": Page(),
    "impostor_new": Page(),
    "impostor": Page("impostor"),
    "channel_proposal_list": Page(),
    "channel_proposal_new": Page(),
    "channel_proposal": Page("channel_proposal"),
    "channel_state": Page("channel"),
    "channel_retirement": Page("channel"),
    "channel_import": Page("channel_import"),
    "channel_import_row": Page("channel_import", args=(3,)),
    "channel_review": Page("channel"),
    "connection_new": Page("channel"),
    "connection_ending": Page("channel"),
    "connection_health": Page("channel"),
    "failing_posts": Page("channel"),
    "channel_webhook": Page("webhooked"),
    "connection": Page("connection"),
    "grant_new": Page("channel"),
    "grant_revocation": Page("standing_grant"),
    "revocation": Page("revocation"),
    "identity_list": Page(),
    "grant_extension": Page("ending_grant"),
    "login_list": Page(),
    "login_new": Page(),
    "login": Page("login"),
    "tool_list": Page(),
    "tool_new": Page(),
    "tool": Page("tool"),
    "finding_list": Page(),
    "finding": Page("finding"),
    "access_request_list": Page(),
    "access_request_new": Page(who="alice", query="?q=fern"),
    "access_request": Page("access_request"),
    "break_glass_list": Page(),
    "break_glass_new": Page(who="alice", query="?q=fern"),
    "break_glass": Page("break_glass"),
    "person_access": Page("writer"),
    "network_list": Page(),
    "channel_doors": Page("channel", query="?zone=Europe/Paris"),
    "single_points": Page(),
    "matrix": Page(query="?network=bluesky"),
    "matrix_view_list": Page(query="?level=admin"),
    # governance
    "person_cover": Page("writer"),
    "case_list": Page(),
    "case": Page("case"),
    "review_list": Page(who="gina"),
    "review_new": Page(
        query="?preview=1&name=Winter&event=schedule&rule=owner&fallback=backup&due=2027-02-26T17:00"
        "&grace_high=2&grace_medium=5&grace_low=14&tiers=high"
    ),
    "review": Page("review", who="gina"),
    "review_items": Page("review", who="gina"),
    "review_attestation": Page("review"),
    "review_item": Page("review_item", who="gina"),
    "review_sample": Page("sample", who="hana"),
    "batch_new": Page(),
    "batch": Page("batch"),
    "evidence_list": Page(who="frank"),
    "evidence": Page("evidence", who="frank"),
    "evidence_new": Page(who="frank", query="?kind=period&first=2025-01-01&last=2025-12-31", dry_run=12),
    "legal_hold_list": Page(),
    "erasure": Page("leaver", dry_run=20),
    # publishing
    "calendar": Page(who="alice"),
    "blackout_list": Page(who="gina"),
    "blackout": Page("blackout", who="gina"),
    "note_list": Page(who="alice"),
    "note": Page("note", who="alice"),
    "saved_view_list": Page(who="alice", query="?view=week&tag=repair"),
    "person_feeds": Page("writer", who="erin"),
    "feed_list": Page(who="alice", query="?tag=repair"),
    "queue": Page("queued", who="gina"),
    "embargo": Page("draft", who="alice"),
    "post_list": Page(who="alice"),
    "post_new": Page(who="alice"),
    "import_list": Page(who="alice"),
    "import": Page("import", who="alice"),
    "import_row": Page("import", who="alice", args=(4,)),
    "post": Page("draft", who="alice"),
    "comment_list": Page("discussed", who="alice"),
    "revision_list": Page("draft", who="alice"),
    "revision": Page("draft", who="alice", args=(1,)),
    "post_media": Page("draft", who="alice"),
    "submission": Page("draft", who="alice"),
    "asset_list": Page(who="alice"),
    "asset_new": Page(who="alice"),
    "asset": Page("asset", who="alice"),
    "asset_crop": Page("asset", args=("1:1",), who="alice"),
    "takedown_list": Page(who="alice"),
    "submission_time": Page("scheduled_post", who="alice"),
    "approval_list": Page(who="bob"),
    "approval": Page("approval", who="bob"),
    "agreement": Page("outside", who=""),
    "agreement_post": Page("outside", who="", proof=True),
    "external_list": Page(who="gina"),
    "workflow_list": Page(who="gina"),
    "workflow_new": Page(who="gina"),
    "workflow": Page("workflow", who="gina"),
    "step_new": Page("workflow", who="gina"),
    "step": Page("step", who="gina"),
    "schedule": Page("variant", who="alice"),
    "repetition": Page("repeating", who="alice"),
    "phrase_list": Page(who="gina"),
    "snippet_list": Page(who="alice"),
    "publication_list": Page(who="gina"),
    "publication": Page("publication", who="alice"),
    "publication_time": Page("publication", who="alice"),
    "campaign_list": Page(who="alice"),
    "campaign_new": Page(who="alice"),
    "campaign": Page("campaign", who="alice"),
    "campaign_change": Page("campaign", who="alice"),
    "tag_list": Page(who="gina"),
    "request_list": Page(who="alice"),
    "request": Page("request", who="alice"),
    "intake_list": Page(who="gina"),
    "asking": Page("asking", who=""),
    "asked": Page("asked", who=""),
    "publication_edit": Page("published", who="alice"),
    "publication_deletion": Page("published", who="alice"),
    "hold_list": Page(who="gina"),
    "hold_new": Page(who="gina"),
    "hold_lifting": Page("hold", who="gina"),
    "hold_triage": Page("hold", who="alice"),
}

# Addresses that answer GET without being a page, each with the reason.
NOT_PAGES = {
    "theme": "takes POST only",
    "stylesheet": "not HTML",
    "openapi": "for machines",
    "healthz": "for machines",
    "readyz": "for machines",
    "metrics": "for machines",
    "mfa_login_webauthn": "JSON for the passkey script",
    "mfa_download_recovery_codes": "a file",
    "revocation_evidence": "a file",
    "rendition_file": "a file",
    "card_picture": "a file",
    "post_export": "a file",
    "channel_export": "a file",
    "impostor_evidence": "a file",
    "channel_import_errors": "a file",
    "feed": "a file",
    "agreement_file": "a file",
    "evidence_file": "a file",
    "review_next": "goes on to the next door",
    "evidence_report": "a file",
    "person_case": "a part of a person's page",
    "account_email": "shut (settings.SHUT_URLS)",
    "account_set_password": "shut (settings.SHUT_URLS)",
    "account_confirm_login_code": "shut (settings.SHUT_URLS)",
}


def addresses() -> Iterator[str]:
    """The names of all addresses that answer GET to a browser."""
    for pattern in _patterns(get_resolver().url_patterns):
        if (pattern.name or "").startswith(settings.TOOL_URLS):
            continue
        view = getattr(pattern.callback, "view_class", None)
        if view is None or hasattr(view, "get"):
            yield pattern.name or str(pattern.pattern)


def path_of(name: str, company: Company) -> str:
    page = PAGES[name]
    args: tuple[Any, ...] = page.args
    if page.example:
        example = company.examples[page.example]
        args = (getattr(example, "pk", example), *args)
    return reverse(name, args=args) + page.query


def visitor(name: str, company: Company) -> Client:
    """A browser of the person who opens this page, signed in a moment ago."""
    page, client = PAGES[name], Client()
    if page.stage:
        client.post(reverse("account_login"), {"login": f"{page.who}@example.test", "password": company.password})
    elif page.proof:
        client.cookies["agreement"] = company.examples["proof"]
    elif page.who:
        client.force_login(factories.user(company.people[page.who]))
        session = client.session
        session["account_authentication_methods_user"] = str(company.people[page.who].user.pk)
        session["account_authentication_methods"] = [{"method": "password", "at": time(), "reauthenticated": True}]
        session.save()
    return client


def give_second_factor(company: Company) -> None:
    """frank has an app, a key and recovery codes, so that their pages have something to show."""
    from allauth.mfa.models import Authenticator
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    user = factories.user(company.people["frank"])
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)
    data = {"name": "Blue key", "credential": _passkey()}
    company.examples["key"] = Authenticator.objects.create(user=user, type="webauthn", data=data)


def _passkey() -> dict:
    """What a browser answers when a key is registered, for a key that nobody holds."""
    key = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    credential = AttestedCredentialData.create(Aaguid.NONE, b"k" * 16, key)
    about = AuthenticatorData.create(sha256(b"localhost").digest(), 0x45, 0, credential)
    client = CollectedClientData.create("webauthn.create", b"challenge", "http://localhost")
    made = AttestationObject.create("none", about, {})
    return {
        "id": websafe_encode(b"k" * 16),
        "rawId": websafe_encode(b"k" * 16),
        "type": "public-key",
        "response": {"clientDataJSON": websafe_encode(client), "attestationObject": websafe_encode(made)},
        "clientExtensionResults": {"credProps": {"rk": True}},
    }


def _patterns(patterns) -> Iterator[URLPattern]:
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from _patterns(each.url_patterns)
        else:
            yield each
