from django.apps import AppConfig


class InboxConfig(AppConfig):
    name = "inbox"
    verbose_name = "Inbox"

    def ready(self):
        from channels_registry.queries import lifecycle
        from inbox import announcing  # noqa: F401 (declares what webhooks may say)
        from inbox.queries import open_there

        lifecycle.POINTERS.append(open_there)
