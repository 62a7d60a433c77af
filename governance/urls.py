from django.urls import path

from governance.views import absences, cases, evidence, items, reviews

urlpatterns = [
    path("offboarding/", cases.CaseListView.as_view(), name="case_list"),
    path("offboarding/<int:pk>/", cases.CaseView.as_view(), name="case"),
    path("offboarding/<int:pk>/closing/", cases.CaseClosingView.as_view(), name="case_closing"),
    path("offboarding/<int:pk>/evidence/", cases.CaseEvidenceView.as_view(), name="case_evidence"),
    path("offboarding/doors/<int:pk>/acceptance/", cases.AcceptanceNewView.as_view(), name="acceptance_new"),
    path("offboarding/acceptances/<int:pk>/", cases.AcceptanceView.as_view(), name="acceptance"),
    path("people/<int:pk>/cover/", absences.PersonCoverView.as_view(), name="person_cover"),
    path("people/<int:pk>/offboarding/", cases.PersonCaseView.as_view(), name="person_case"),
    path("reviews/", reviews.ReviewListView.as_view(), name="review_list"),
    path("reviews/new/", reviews.ReviewNewView.as_view(), name="review_new"),
    path("reviews/<int:pk>/", reviews.ReviewView.as_view(), name="review"),
    path("reviews/<int:pk>/next/", reviews.ReviewNextView.as_view(), name="review_next"),
    path("reviews/<int:pk>/items/", items.ItemListView.as_view(), name="review_items"),
    path("reviews/<int:pk>/handing-in/", items.HandingInView.as_view(), name="review_handing_in"),
    path("reviews/<int:pk>/handover/", reviews.ReviewHandoverView.as_view(), name="review_handover"),
    path("reviews/<int:pk>/cancellation/", reviews.ReviewCancellationView.as_view(), name="review_cancellation"),
    path("reviews/<int:pk>/attestation/", reviews.AttestationView.as_view(), name="review_attestation"),
    path("reviews/<int:pk>/samples/", items.SampleNewView.as_view(), name="review_sample_new"),
    path("reviews/items/<int:pk>/", items.ItemView.as_view(), name="review_item"),
    path("reviews/items/<int:pk>/decision/", items.DecisionView.as_view(), name="review_item_decision"),
    path("reviews/items/<int:pk>/undo/", items.UndoView.as_view(), name="review_item_undo"),
    path("reviews/items/<int:pk>/handover/", items.ItemHandoverView.as_view(), name="review_item_handover"),
    path("reviews/items/<int:pk>/acceptance/", items.ItemAcceptanceView.as_view(), name="review_item_acceptance"),
    path("reviews/samples/<int:pk>/", items.SampleView.as_view(), name="review_sample"),
    path("reviews/drawn/<int:pk>/verdict/", items.RecheckView.as_view(), name="review_recheck"),
    path("evidence/", evidence.EvidenceListView.as_view(), name="evidence_list"),
    path("evidence/<int:pk>/", evidence.EvidenceView.as_view(), name="evidence"),
    path("evidence/<int:pk>/file/", evidence.EvidenceFileView.as_view(), name="evidence_file"),
]
