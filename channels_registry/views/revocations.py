"""One door on its way to being proven shut."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from channels_registry import queries, revoking
from channels_registry.forms import AttestationForm, ContestForm, NoteForm, ReasonForm
from channels_registry.models import Connection, Proof, Revocation
from channels_registry.models.access_grant import Door
from channels_registry.permissions import may_administer
from channels_registry.proving import media_type
from socialops.lib.files import handed_out

KEPT_ELSEWHERE = (Door.SHARED_LOGIN, Door.RECOVERY, Door.TOOL_SEAT)  # in a vault, a mailbox, a tool


class RevocationView(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return revocation_page(request, queries.revocation_for(request.user, pk))


class EvidenceFileView(View):
    """The evidence, handed out as a file to keep, never shown as a page."""

    def get(self, request: HttpRequest, pk: int) -> FileResponse:
        revocation = queries.revocation_for(request.user, pk)
        if not revocation.evidence_file:
            raise Http404("There is no file.")
        kind = media_type(revocation.evidence_file.name)
        name = f"revocation-{pk}.{revocation.evidence_file.name.rpartition('.')[2]}"
        try:
            file = revocation.evidence_file.open("rb")
        except FileNotFoundError as error:
            raise Http404("The file is not where it was kept. Ask whoever runs Socialops.") from error
        return handed_out(file, name, kind)


def revocation_page(request: HttpRequest, revocation: Revocation, status: int = 200, **bound) -> HttpResponse:
    """The page, with the forms that wait for this person; `bound` are those that were refused."""
    me, grant = request.user.person, revocation.grant
    mine = revoking.may_handle(revocation, me)
    by_itself = grant.login_id is None  # a shared login is shut by rotating it, on its own page
    open_stage = revocation.stage != Revocation.Stage.VERIFIED and revocation.state != "cancelled"
    attested = revocation.proof == Proof.ATTESTED and revocation.stage == Revocation.Stage.REVOKED
    forms = {
        "attestation": AttestationForm()
        if mine and by_itself and revocation.guided and open_stage and not attested
        else None,
        "unprovable": NoteForm(auto_id="unprovable_%s") if mine and revocation.guided and open_stage else None,
        "objection": ContestForm(auto_id="objection_%s")
        if attested and by_itself and revoking.may_confirm(revocation, me)
        else None,
        "withdrawal": _withdrawal(revocation, me),
    }
    stuck = revocation.state in ("blocked", "failed")
    context = {
        "revocation": revocation,
        "grant": grant,
        "channel": grant.channel,
        "may_take": mine and revocation.guided and open_stage and revocation.assigned_to_id != me.pk,
        "may_by_hand": mine and not revocation.guided and (stuck or revocation.state == "scheduled"),
        "may_try_again": mine and bool(grant.remote_id) and (stuck or revocation.state == "needs_human"),
        "waits_for_network": not revocation.guided and revocation.state in ("scheduled", "sending", "unknown"),
        "people_page": _people_page(revocation) if mine and revocation.guided and open_stage else "",
        **forms,
        **bound,
    }
    return render(request, "channels_registry/revocation.html", context, status=status)


def _withdrawal(revocation: Revocation, me) -> ReasonForm | None:
    waits = revocation.state in ("scheduled", "blocked", "failed", "needs_human") and not revocation.handle
    return ReasonForm(auto_id="withdrawal_%s") if waits and may_administer(me, revocation.grant.channel) else None


def _people_page(revocation: Revocation) -> str:
    channel = revocation.grant.channel
    if revocation.grant.door in KEPT_ELSEWHERE:
        return ""
    proven = Connection.objects.filter(channel=channel, proven_at__isnull=False)  # else anybody’s address was typed
    known = proven.order_by("-pk").values_list("fields", "handle").first()
    return channel.connector.people_page_url(*(known or ({}, channel.handle)))
