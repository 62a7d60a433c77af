from django.urls import path

from inbox import webhooks

urlpatterns = [
    path("webhooks/<int:pk>/", webhooks.WebhookView.as_view(), name="webhook"),
]
