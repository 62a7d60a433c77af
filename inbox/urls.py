from django.urls import path

from inbox import webhooks
from inbox.views import actions, conversations

urlpatterns = [
    path("inbox/", conversations.InboxView.as_view(), name="inbox"),
    path("inbox/<int:pk>/", conversations.ConversationView.as_view(), name="conversation"),
    path("inbox/<int:pk>/replies/", actions.ReplyNewView.as_view(), name="reply_new"),
    path("inbox/<int:pk>/assignment/", actions.AssignmentView.as_view(), name="assignment_new"),
    path("inbox/<int:pk>/resolution/", actions.ResolutionView.as_view(), name="resolution"),
    path("inbox/<int:pk>/reopening/", actions.ReopeningView.as_view(), name="reopening"),
    path("inbox/<int:pk>/snooze/", actions.SnoozeView.as_view(), name="snooze"),
    path("replies/<int:pk>/cancellation/", actions.ReplyVerbView.as_view(verb="cancel"), name="reply_cancellation"),
    path("replies/<int:pk>/adoption/", actions.ReplyVerbView.as_view(verb="adopt"), name="reply_adoption"),
    path("replies/<int:pk>/resending/", actions.ReplyVerbView.as_view(verb="send_again"), name="reply_resending"),
    path("replies/<int:pk>/confirmation/", actions.ReplyVerbView.as_view(verb="confirm"), name="reply_confirmation"),
    path("webhooks/<int:pk>/", webhooks.WebhookView.as_view(), name="webhook"),
]
