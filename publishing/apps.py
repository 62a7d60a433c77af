from django.apps import AppConfig


class PublishingConfig(AppConfig):
    name = "publishing"
    verbose_name = "Publishing"

    def ready(self):
        from accounts import delivering
        from publishing import announcing, linking  # noqa: F401 (declares what webhooks may say)

        delivering.FILLERS.append(linking.fill_in)
