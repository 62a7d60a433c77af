"""Where every address begins. Apps own their nouns."""

from django.urls import include, path

from socialops import api
from socialops.views import errors, health
from socialops.views.reference import openapi, reference
from socialops.views.search import search
from socialops.views.stylesheet import stylesheet
from socialops.views.theme import theme
from socialops.views.today import outlook, today

urlpatterns = [
    path("", today, name="today"),
    path("outlook/", outlook, name="outlook"),
    path("search/", search, name="search"),
    path("theme/", theme, name="theme"),
    path("style-<slug:version>.css", stylesheet, name="stylesheet"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics_page, name="metrics"),
    path("api/v1/openapi.json", openapi, name="openapi"),
    path("api/v1/reference", reference, name="reference"),
    path("api/v1/", include(api.urls())),
    path("account/", include("allauth.urls")),
    path("", include("accounts.urls")),
    path("", include("channels_registry.urls")),
    path("", include("publishing.urls")),
    path("", include("inbox.urls")),
    path("", include("governance.urls")),
]

handler400, handler403, handler404 = errors.unreadable, errors.refused, errors.not_found
handler500 = errors.broken
