from django.apps import AppConfig


class PublishingConfig(AppConfig):
    name = "publishing"
    verbose_name = "Publishing"

    def ready(self):
        from accounts import delivering
        from channels_registry.queries import lifecycle
        from publishing import announcing, linking  # noqa: F401 (declares what webhooks may say)
        from publishing.queries.pointing import scheduled_there

        delivering.FILLERS.append(linking.fill_in)
        lifecycle.POINTERS.append(scheduled_there)
