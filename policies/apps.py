from django.apps import AppConfig
from django.core import checks

from policies.checks import check_action_types


class PoliciesConfig(AppConfig):
    name = "policies"
    verbose_name = "Policies"

    def ready(self) -> None:
        checks.register(check_action_types)
