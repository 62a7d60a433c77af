from django.apps import AppConfig


class PublishingConfig(AppConfig):
    name = "publishing"
    verbose_name = "Publishing"

    def ready(self):
        from accounts import delivering
        from publishing import linking

        delivering.FILLERS.append(linking.fill_in)
