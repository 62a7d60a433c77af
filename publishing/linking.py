"""Agreeing from outside: a link that opens one request, with a code sent when it is opened, good for one decision.

Nobody is signed in by it. Every step is in the trail, with the address it was sent to.
"""

import secrets
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.audit import record, register
from accounts.models import AuditEvent, MailDelivery, Person
from publishing import queries
from publishing.models import (
    AgreementLink,
    Approval,
    ApprovalStage,
    Ask,
    ExternalApprover,
    LinkCard,
    Post,
    Rendition,
    Variant,
)
from publishing.permissions import may_arrange, require_arranger
from publishing.rights import may_on_all
from socialops.lib.addresses import same_mailbox

register("external.added", "added an external approver")
register("external.ended", "removed an external approver")
register("agreement.link_sent", "sent a link to somebody from outside")
register("agreement.link_revoked", "took back a link for somebody from outside")
register("agreement.link_refused", "opened a link that is not good any more")
register("agreement.code_sent", "was sent a code for a link")
register("agreement.code_refused", "typed a wrong code")
register("agreement.opened", "opened a post from outside")

GOOD_FOR = timedelta(days=7)
CODE_GOOD_FOR, PROOF_GOOD_FOR = timedelta(minutes=10), timedelta(minutes=30)
GATHERED = timedelta(minutes=2)  # what is written within it is one mail
TRIES, CODES, BETWEEN_CODES = 5, 10, timedelta(minutes=1)
SALT, PROOF, CODE = "publishing.agreement", "publishing.agreement.proof", "publishing.agreement.code"
FILE = "publishing.agreement.file"
FILES: dict[str, type[Rendition] | type[LinkCard]] = {"rendition": Rendition, "card": LinkCard}
LINK_MARK, CODE_MARK = "[agreement:{pk}]", "[agreement-code:{pk}]"  # filled in when the mail is sent


class NotGood(ValidationError):
    """The link opens nothing (any more). Its words say why and what to do."""


class NotProven(NotGood):
    """The link is good; who asks has not typed its code within the last half hour."""


@transaction.atomic
def add_external(by: Person, name: str, email: str, company: str = "") -> ExternalApprover:
    require_arranger(by)
    if any(same_mailbox(email, each) for each in Person.objects.values_list("email", flat=True)):
        raise ValidationError({"email": "This address belongs to somebody here. Ask them under their own name."})
    external = ExternalApprover(name=name.strip(), email=email.strip().lower(), company=company.strip(), added_by=by)
    external.full_clean()
    external.save()
    record(by, "external.added", external, email=external.email)
    return external


@transaction.atomic
def end_external(external: ExternalApprover, by: Person) -> None:
    """Nothing is asked of them any more, and their links stop working."""
    require_arranger(by)
    ExternalApprover.objects.filter(pk=external.pk, ended_at=None).update(ended_at=Now())
    AgreementLink.objects.filter(ask__external=external, revoked_at=None).update(revoked_at=Now())
    record(by, "external.ended", external, email=external.email)


@transaction.atomic
def send_link(ask: Ask, by: Person) -> AgreementLink:
    """A new link for this place; an earlier one stops working. Called where `by` was allowed to ask."""
    approval, external = ask.stage.approval, ask.external
    if external is None or external.ended_at:
        raise ValidationError("Nobody from outside is asked there.")
    AgreementLink.objects.filter(ask=ask, revoked_at=None).update(revoked_at=Now())
    expires_at = min(filter(None, [queries.now() + GOOD_FOR, ask.stage.decide_by]))
    made = AgreementLink.objects.create(ask=ask, expires_at=expires_at)
    subject = f"{approval.asked_by} asks you to agree to a post: {approval.post.title}"
    body = (
        f"{approval.asked_by} asks you to read “{approval.post.title}” and to say whether you agree.\n\n"
        f"{LINK_MARK.format(pk=made.pk)}\n\nThe link shows this post only and is good until "
        f"{made.expires_at:%-d %B %Y, %H:%M} UTC. Do not pass it on: a code is sent to this address when it is opened."
    )
    _mail(external, subject, body)
    record(by, "agreement.link_sent", approval, to=external.email, stage=ask.stage.name)
    return made


@transaction.atomic
def revoke(link: AgreementLink, by: Person) -> AgreementLink:
    """By whoever asked, may write on the post's channels, or arranges workflows. The post first, as in every verb."""
    approval = link.ask.stage.approval
    Post.objects.select_for_update().get(pk=approval.post_id)
    current = Variant.objects.current().filter(post=approval.post).select_related("channel")
    writes = may_on_all(by, "draft", [v.channel for v in current])
    if not (writes or may_arrange(by)):
        raise PermissionDenied("Only who may write on the channels of this post may do this.")
    if AgreementLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=Now()):
        record(by, "agreement.link_revoked", approval, to=link.ask.external.email if link.ask.external else "")
    link.refresh_from_db()
    return link


@transaction.atomic
def renew(link: AgreementLink, by: Person) -> AgreementLink:
    """A new link in its place, by whoever may take it back, while an answer is still waited for."""
    revoke(link, by)
    waited = ApprovalStage.objects.filter(state="pending", approval__state="pending", pk=link.ask.stage_id)
    if link.ask.ended_at or not waited.select_for_update(of=("self",)).exists():
        raise ValidationError("Nobody is waited for at this step any more, so there is nothing to send a link for.")
    return send_link(link.ask, by)


def tell_of_comment(post: Post, by: Person) -> None:
    """Those from outside who may still decide hear that somebody wrote to them: once until that mail has left."""
    standing = AgreementLink.objects.filter(
        ask__stage__approval__post=post, ask__stage__approval__state="pending", ask__stage__state="pending",
        ask__ended_at=None, ask__external__ended_at=None, revoked_at=None, used_at=None, expires_at__gt=Now(),
    )  # fmt: skip
    for link in standing.select_related("ask__external").order_by("pk"):
        mark = LINK_MARK.format(pk=link.pk)
        if link.ask.external and not MailDelivery.objects.filter(state="scheduled", body__contains=mark).exists():
            body = f"{by} wrote to you about “{post.title}”. Read it and answer beside the post:\n\n{mark}"
            _mail(link.ask.external, f"{by} wrote to you about a post: {post.title}", body, GATHERED)


def address(link: AgreementLink) -> str:
    return settings.BASE_URL + reverse("agreement", args=[signing.dumps(link.pk, salt=SALT)])


def code_of(link: AgreementLink) -> str:
    """Six digits, worked out from the nonce: who reads the database does not know them."""
    digest = salted_hmac(CODE, f"{link.pk}:{link.nonce}", algorithm="sha256").hexdigest()
    return f"{int(digest, 16) % 1_000_000:06d}"


def fill_in(mail: MailDelivery, body: str) -> str:
    """The addresses and codes that belong to whom the mail goes to, at the moment of sending."""
    if "[agreement" not in body:
        return body
    for link in AgreementLink.objects.filter(ask__external__email=mail.to, revoked_at=None):
        body = body.replace(LINK_MARK.format(pk=link.pk), address(link))
        body = body.replace(CODE_MARK.format(pk=link.pk), code_of(link))
    return body


def opened(token: str) -> AgreementLink:
    """The link of an address. Raises NotGood with why it opens nothing."""
    try:
        pk = signing.loads(token, salt=SALT, max_age=GOOD_FOR)
    except signing.BadSignature as error:
        raise NotGood("This link is not whole, or too old. Open it from the mail again.") from error
    return _standing(pk)


@transaction.atomic
def send_code(token: str) -> AgreementLink:
    """A new code to the address that the link was sent to. The one before stops working."""
    link = locked(opened(token))
    now = queries.now()
    if link.code_sent_at and now - link.code_sent_at < BETWEEN_CODES:
        raise ValidationError({"code": "A code was sent less than a minute ago. Look into your mail."})
    if link.codes_sent >= CODES:
        raise ValidationError({"code": "Too many codes were sent for this link. Ask for a new link."})
    link.nonce, link.code_sent_at, link.code_tries = secrets.token_hex(16), now, 0
    link.codes_sent += 1
    link.save(update_fields=["nonce", "code_sent_at", "code_tries", "codes_sent"])
    if external := link.ask.external:
        words = f"Your code is {CODE_MARK.format(pk=link.pk)}. It is good for ten minutes."
        _mail(external, "Your code for Socialops", words)
    record(None, "agreement.code_sent", link.ask.stage.approval, to=_email(link))
    return link


def check_code(token: str, code: str) -> str:
    """A proof to decide with, good for half an hour. Raises ValidationError beside the code; a wrong try counts."""
    with transaction.atomic():
        link = locked(opened(token))
        refused = _wrong(link, code)
        if refused and link.code_tries <= TRIES:  # what is tried after that is neither counted nor written down
            AgreementLink.objects.filter(pk=link.pk).update(code_tries=link.code_tries + 1)
            record(None, "agreement.code_refused", link.ask.stage.approval, to=_email(link))
        elif not refused:
            AgreementLink.objects.filter(pk=link.pk).update(code_tries=TRIES)  # once
            record(None, "agreement.opened", link.ask.stage.approval, to=_email(link))
    if refused:
        raise ValidationError({"code": refused})
    return signing.dumps([link.pk, link.nonce], salt=PROOF)


def proven(token: str, proof: str) -> AgreementLink:
    """The link, for whoever typed its code within the last half hour. Raises NotGood."""
    link = opened(token)
    try:
        pk, nonce = signing.loads(proof, salt=PROOF, max_age=PROOF_GOOD_FOR)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise NotProven("Half an hour has passed since you typed the code. Have a new one sent.") from error
    if pk != link.pk or not link.nonce or not constant_time_compare(str(nonce), link.nonce):
        raise NotProven("This belongs to another link, or to a code that was sent later. Have a new one sent.")
    return link


def address_of_file(link: AgreementLink, kind: str, pk: int) -> str:
    """Where whoever has proven the code fetches a file (of a FILES) that the post shows. It opens this file only."""
    return reverse("agreement_file", args=[signing.dumps([link.pk, link.nonce, kind, pk], salt=FILE)])


def file_at(token: str) -> Rendition | LinkCard:
    """The file of such an address, for as long as the proof is good and the link stands. Raises NotGood."""
    try:
        link, nonce, kind, pk = signing.loads(token, salt=FILE, max_age=PROOF_GOOD_FOR)
    except signing.BadSignature as error:
        raise NotGood("Half an hour has passed. Open the link from the mail again.") from error
    found = FILES[kind].objects.filter(pk=pk).first() if _standing(link).nonce == nonce else None
    if found is None:
        raise NotGood("This belongs to an older code. Open the link from the mail again.")
    return found


def _standing(pk: int) -> AgreementLink:
    rows = AgreementLink.objects.select_related(
        "ask__external", "ask__stage__approval__post__author", "ask__stage__approval__revision",
        "ask__stage__approval__asked_by",
    )  # fmt: skip
    link = rows.filter(pk=pk).first()
    if link is None:
        raise NotGood("This link opens nothing. Ask for a new one.")
    if reason := _against(link):
        _note_refusal(link, reason)
        raise NotGood(reason)
    return link


def _against(link: AgreementLink) -> str:
    approval = link.ask.stage.approval
    if link.used_at or link.ask.decisions.exists():
        return "You have decided already. There is nothing left to do."
    if link.revoked_at or link.ask.ended_at or link.ask.external is None or link.ask.external.ended_at:
        return "This link was taken back. Ask who sent it if you still need it."
    if approval.state == Approval.State.VOID:
        return "The post was changed after this was sent. If it is still asked of you, a new link comes."
    if approval.state != Approval.State.PENDING or link.ask.stage.state != "pending":
        return "This is not asked any more: it was decided or taken back."
    if link.expires_at <= queries.now():
        return "This link has expired. Ask who sent it for a new one."
    return ""


def _note_refusal(link: AgreementLink, reason: str) -> None:
    """Once an hour: nobody is signed in, and the trail is kept for good."""
    approval = link.ask.stage.approval
    said = {"action": "agreement.link_refused", "data__to": _email(link), "at__gt": Now() - timedelta(hours=1)}
    if not AuditEvent.objects.filter(subject_type="approval", subject_id=str(approval.pk), **said).exists():
        record(None, "agreement.link_refused", approval, to=_email(link), reason=reason)


def _wrong(link: AgreementLink, code: str) -> str:
    if not link.nonce or link.code_sent_at is None or queries.now() - link.code_sent_at > CODE_GOOD_FOR:
        return "This code is not good any more. Have a new one sent."
    if link.code_tries >= TRIES:
        return "It was tried too often. Have a new code sent."
    right = constant_time_compare(code.strip(), code_of(link))
    return "" if right else "This is not the code. Look into the last mail."


def locked(link: AgreementLink) -> AgreementLink:
    fresh = AgreementLink.objects.select_for_update(of=("self",)).get(pk=link.pk)
    fresh.ask = link.ask
    if fresh.revoked_at or fresh.used_at:
        raise NotGood("This link was used or taken back meanwhile.")
    return fresh


def _email(link: AgreementLink) -> str:
    return link.ask.external.email if link.ask.external else ""


def _mail(external: ExternalApprover, subject: str, body: str, after: timedelta = timedelta()) -> None:
    one_line, at = " ".join(subject.split())[:200], queries.now() + after
    MailDelivery.objects.create(to=external.email, subject=one_line, body=body, due_at=at, next_attempt_at=at)
