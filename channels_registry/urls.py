from django.urls import path

from channels_registry.views import channels, connections, custody, grants, guided, identities, networks, revocations

urlpatterns = [
    path("channels/", channels.ChannelListView.as_view(), name="channel_list"),
    path("channels/new/", channels.ChannelNewView.as_view(), name="channel_new"),
    path("channels/<int:pk>/", channels.ChannelView.as_view(), name="channel"),
    path("channels/<int:pk>/change/", channels.ChannelChangeView.as_view(), name="channel_change"),
    path("channels/<int:pk>/connection/", connections.ConnectionNewView.as_view(), name="connection_new"),
    path("channels/<int:pk>/connection/ending/", connections.ConnectionEndingView.as_view(), name="connection_ending"),
    path("channels/<int:pk>/connection/health/", custody.ConnectionHealthView.as_view(), name="connection_health"),
    path("channels/<int:pk>/connection/rehearsals/", custody.RehearsalNewView.as_view(), name="rehearsal_new"),
    path("channels/<int:pk>/connection/next/", custody.NextAuthoriserView.as_view(), name="next_authoriser"),
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
