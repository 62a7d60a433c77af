from django.urls import path

from channels_registry.views import (
    channels,
    connections,
    grants,
    guided,
    identities,
    imports,
    impostors,
    lifecycle,
    networks,
    records,
    revocations,
)

urlpatterns = [
    path("channels/", channels.ChannelListView.as_view(), name="channel_list"),
    path("channels/new/", channels.ChannelNewView.as_view(), name="channel_new"),
    path("channels/impostors/", impostors.ImpostorListView.as_view(), name="impostor_list"),
    path("channels/impostors/new/", impostors.ImpostorNewView.as_view(), name="impostor_new"),
    path("channels/impostors/<int:pk>/", impostors.ImpostorView.as_view(), name="impostor"),
    path("channels/impostors/<int:pk>/evidence/", impostors.ImpostorFileView.as_view(), name="impostor_evidence"),
    *(
        path(
            f"channels/impostors/<int:pk>/{noun}/",
            impostors.ImpostorVerbView.as_view(act=act),
            name=f"impostor_{noun}",
        )
        for noun, act in (
            ("decision", "decide"),
            ("step", "step"),
            ("assignment", "assign"),
            ("adoption", "adopt"),
        )
    ),
    path("channels/proposals/", lifecycle.ProposalListView.as_view(), name="channel_proposal_list"),
    path("channels/proposals/new/", lifecycle.ProposalNewView.as_view(), name="channel_proposal_new"),
    path("channels/proposals/<int:pk>/", lifecycle.ProposalView.as_view(), name="channel_proposal"),
    *(
        path(
            f"channels/proposals/<int:pk>/{noun}/",
            lifecycle.ProposalVerbView.as_view(act=act),
            name=f"channel_proposal_{noun}",
        )
        for noun, act in (
            ("approval", "approve"),
            ("return", "return"),
            ("withdrawal", "withdraw"),
            ("answer", "answer"),
            ("opening", "open"),
        )
    ),
    path("channels/export/", imports.ExportView.as_view(), name="channel_export"),
    path("channels/imports/", imports.ImportListView.as_view(), name="channel_import_list"),
    path("channels/imports/<int:pk>/", imports.ImportView.as_view(), name="channel_import"),
    path("channels/imports/<int:pk>/reading/", imports.ImportReadingView.as_view(), name="channel_import_reading"),
    path(
        "channels/imports/<int:pk>/channels/",
        imports.ImportVerbView.as_view(act="start"),
        name="channel_import_start",
    ),
    path(
        "channels/imports/<int:pk>/stopping/",
        imports.ImportVerbView.as_view(act="stop"),
        name="channel_import_stopping",
    ),
    path("channels/imports/<int:pk>/errors/", imports.ImportErrorsView.as_view(), name="channel_import_errors"),
    path("channels/imports/<int:pk>/rows/<int:number>/", imports.ImportRowView.as_view(), name="channel_import_row"),
    path("channels/<int:pk>/", channels.ChannelView.as_view(), name="channel"),
    path("channels/<int:pk>/change/", channels.ChannelChangeView.as_view(), name="channel_change"),
    path("channels/<int:pk>/state/", lifecycle.StateView.as_view(), name="channel_state"),
    path("channels/<int:pk>/retirement/", lifecycle.RetirementView.as_view(), name="channel_retirement"),
    path(
        "channels/<int:pk>/retirement/ending/",
        lifecycle.RetirementEndingView.as_view(act="finish"),
        name="channel_retirement_ending",
    ),
    path(
        "channels/<int:pk>/retirement/withdrawal/",
        lifecycle.RetirementEndingView.as_view(act="withdraw"),
        name="channel_retirement_withdrawal",
    ),
    path("channels/<int:pk>/risk/", records.RiskView.as_view(), name="channel_risk"),
    path("channels/<int:pk>/risk/ending/", records.OverrideEndingView.as_view(), name="channel_risk_ending"),
    path("channels/<int:pk>/review/", records.RecordReviewView.as_view(), name="channel_review"),
    path("channels/<int:pk>/connection/", connections.ConnectionNewView.as_view(), name="connection_new"),
    path("channels/<int:pk>/connection/ending/", connections.ConnectionEndingView.as_view(), name="connection_ending"),
    path("channels/<int:pk>/webhook/", connections.WebhookView.as_view(), name="channel_webhook"),
    path("channels/<int:pk>/grants/new/", grants.GrantNewView.as_view(), name="grant_new"),
    path("connections/<int:pk>/", connections.ConnectionView.as_view(), name="connection"),
    path("grants/<int:pk>/revocation/", grants.GrantRevocationView.as_view(), name="grant_revocation"),
    path("revocations/<int:pk>/", revocations.RevocationView.as_view(), name="revocation"),
    path("revocations/<int:pk>/evidence/", revocations.EvidenceFileView.as_view(), name="revocation_evidence"),
    path("revocations/<int:pk>/taking/", guided.TakingView.as_view(), name="revocation_taking"),
    path("revocations/<int:pk>/attestation/", guided.AttestationView.as_view(), name="revocation_attestation"),
    path("revocations/<int:pk>/confirmation/", guided.ConfirmationView.as_view(), name="revocation_confirmation"),
    path("revocations/<int:pk>/objection/", guided.ObjectionView.as_view(), name="revocation_objection"),
    path("revocations/<int:pk>/unprovable/", guided.UnprovableView.as_view(), name="revocation_unprovable"),
    path("revocations/<int:pk>/handwork/", guided.HandworkView.as_view(), name="revocation_handwork"),
    path("revocations/<int:pk>/attempt/", guided.AttemptView.as_view(), name="revocation_attempt"),
    path("revocations/<int:pk>/withdrawal/", guided.WithdrawalView.as_view(), name="revocation_withdrawal"),
    path("identities/", identities.IdentityListView.as_view(), name="identity_list"),
    path("identities/<int:pk>/match/", identities.IdentityMatchView.as_view(), name="identity_match"),
    path("people/<int:pk>/access/", grants.PersonAccessView.as_view(), name="person_access"),
    path("networks/", networks.CapabilityTableView.as_view(), name="network_list"),
]
