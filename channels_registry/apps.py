from django.apps import AppConfig


class ChannelsRegistryConfig(AppConfig):
    name = "channels_registry"
    verbose_name = "Channels and access"

    def ready(self):
        from channels_registry import announcing  # noqa: F401 (declares what webhooks may say)
