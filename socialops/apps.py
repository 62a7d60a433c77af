from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class SocialopsConfig(AppConfig):
    name = "socialops"

    def ready(self):
        # Tasks bind to our Celery application only if it is loaded before they are.
        import socialops.celery  # noqa: F401
        from socialops.lib import rights

        # Once, when all migrations are done: Django tells each app that has models, one after the other.
        post_migrate.connect(rights.after_migrating, sender=apps.get_app_config("accounts"))
