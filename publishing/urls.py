from django.urls import path

from publishing.views import approvals, assets, calendar, campaigns, holds, posts, publications, schedule

verb = publications.VerbView.as_view
urlpatterns = [
    path("calendar/", calendar.CalendarView.as_view(), name="calendar"),
    path("posts/", posts.PostListView.as_view(), name="post_list"),
    path("posts/new/", posts.PostNewView.as_view(), name="post_new"),
    path("posts/previews/", posts.PreviewsView.as_view(), name="post_previews"),
    path("posts/<int:pk>/", posts.PostView.as_view(), name="post"),
    path("posts/<int:pk>/approval/", approvals.SubmissionView.as_view(), name="submission"),
    path(
        "posts/<int:pk>/approval/withdrawal/",
        approvals.SubmissionWithdrawalView.as_view(),
        name="submission_withdrawal",
    ),
    path("library/", assets.AssetListView.as_view(), name="asset_list"),
    path("library/new/", assets.AssetNewView.as_view(), name="asset_new"),
    path("library/<int:pk>/", assets.AssetView.as_view(), name="asset"),
    path("library/<int:pk>/archiving/", assets.AssetArchivingView.as_view(), name="asset_archiving"),
    path("library/files/<int:pk>/", assets.RenditionFileView.as_view(), name="rendition_file"),
    path("approvals/", approvals.ApprovalListView.as_view(), name="approval_list"),
    path("approvals/<int:pk>/", approvals.ApprovalView.as_view(), name="approval"),
    path("approvals/<int:pk>/decision/", approvals.DecisionView.as_view(), name="decision"),
    path("approvals/<int:pk>/withdrawal/", approvals.ApprovalWithdrawalView.as_view(), name="approval_withdrawal"),
    path("variants/<int:pk>/publication/", schedule.ScheduleView.as_view(), name="schedule"),
    path("publications/", publications.PublicationListView.as_view(), name="publication_list"),
    path("publications/<int:pk>/", publications.PublicationView.as_view(), name="publication"),
    path("publications/<int:pk>/time/", schedule.PublicationTimeView.as_view(), name="publication_time"),
    path("publications/<int:pk>/cancellation/", verb(act="cancel"), name="publication_cancellation"),
    path("publications/<int:pk>/adoption/", verb(act="adopt"), name="publication_adoption"),
    path("publications/<int:pk>/keeping/", verb(act="keep"), name="publication_keeping"),
    path(
        "publications/<int:pk>/confirmation/", publications.ConfirmationView.as_view(), name="publication_confirmation"
    ),
    path("publications/<int:pk>/resending/", verb(act="send_again"), name="publication_resending"),
    path("publications/<int:pk>/absence/", verb(act="confirm_absent"), name="publication_absence"),
    path("campaigns/", campaigns.CampaignListView.as_view(), name="campaign_list"),
    path("campaigns/new/", campaigns.CampaignNewView.as_view(), name="campaign_new"),
    path("campaigns/<int:pk>/", campaigns.CampaignView.as_view(), name="campaign"),
    path("campaigns/<int:pk>/change/", campaigns.CampaignChangeView.as_view(), name="campaign_change"),
    path("campaigns/<int:pk>/archiving/", campaigns.CampaignShelfView.as_view(), name="campaign_archiving"),
    path(
        "campaigns/<int:pk>/restoring/",
        campaigns.CampaignShelfView.as_view(archived=False),
        name="campaign_restoring",
    ),
    path("tags/", campaigns.TagListView.as_view(), name="tag_list"),
    path("holds/", holds.HoldListView.as_view(), name="hold_list"),
    path("holds/new/", holds.HoldNewView.as_view(), name="hold_new"),
    path("holds/<int:pk>/lifting/", holds.HoldLiftingView.as_view(), name="hold_lifting"),
]
