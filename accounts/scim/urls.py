from django.urls import path, re_path

from accounts.scim import views

urlpatterns = [
    path("scim/v2/ServiceProviderConfig", views.config, name="scim_config"),
    path("scim/v2/ResourceTypes", views.types, name="scim_types"),
    path("scim/v2/ResourceTypes/<str:name>", views.type_, name="scim_type"),
    path("scim/v2/Schemas", views.schemas, name="scim_schemas"),
    path("scim/v2/Schemas/<str:name>", views.schema_, name="scim_schema"),
    path("scim/v2/Users", views.user_list, name="scim_users"),
    path("scim/v2/Users/.search", views.user_search, name="scim_user_search"),
    path("scim/v2/Users/<str:pk>", views.user, name="scim_user"),
    path("scim/v2/Groups", views.group_list, name="scim_groups"),
    path("scim/v2/Groups/.search", views.group_search, name="scim_group_search"),
    path("scim/v2/Groups/<str:pk>", views.group, name="scim_group"),
    path("scim/v2/.search", views.search_all, name="scim_search"),
    re_path(r"^scim/(?P<rest>.*)$", views.nothing, name="scim_nothing"),
]
