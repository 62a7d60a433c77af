from django.apps import AppConfig


class SocialopsConfig(AppConfig):
    name = "socialops"

    def ready(self):
        # Tasks bind to our Celery application only if it is loaded before they are.
        import socialops.celery  # noqa: F401
