from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class CoordinatorConfig(AppConfig):
    name = "coordinator"


class CoordinatorAdminConfig(AdminConfig):
    default_site = "coordinator.lib.admin.CoordinatorAdminSite"
