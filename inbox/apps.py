from django.apps import AppConfig


class InboxConfig(AppConfig):
    name = "inbox"
    verbose_name = "Inbox"

    def ready(self):
        from inbox import announcing  # noqa: F401 (declares what webhooks may say)
