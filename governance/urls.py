from django.urls import path

from governance.views import batches, cases, evidence

urlpatterns = [
    path("offboarding/", cases.CaseListView.as_view(), name="case_list"),
    path("offboarding/<int:pk>/", cases.CaseView.as_view(), name="case"),
    path("offboarding/<int:pk>/successor/", cases.SuccessorView.as_view(), name="case_successor"),
    path("offboarding/batches/new/", batches.BatchNewView.as_view(), name="batch_new"),
    path("offboarding/batches/<int:pk>/", batches.BatchView.as_view(), name="batch"),
    path("offboarding/<int:pk>/closing/", cases.CaseClosingView.as_view(), name="case_closing"),
    path("offboarding/<int:pk>/evidence/", cases.CaseEvidenceView.as_view(), name="case_evidence"),
    path("offboarding/doors/<int:pk>/acceptance/", cases.AcceptanceNewView.as_view(), name="acceptance_new"),
    path("offboarding/acceptances/<int:pk>/", cases.AcceptanceView.as_view(), name="acceptance"),
    path("people/<int:pk>/offboarding/", cases.PersonCaseView.as_view(), name="person_case"),
    path("evidence/", evidence.EvidenceListView.as_view(), name="evidence_list"),
    path("evidence/<int:pk>/", evidence.EvidenceView.as_view(), name="evidence"),
    path("evidence/<int:pk>/file/", evidence.EvidenceFileView.as_view(), name="evidence_file"),
]
