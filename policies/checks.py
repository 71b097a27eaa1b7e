"""What `manage.py check` says about policies: an installation's own action types, which its settings declare."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from policies.conditions import attributes


def check_action_types(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """An error for each own action type that no policy could be read with."""
    found = attributes.faults_of(settings.POLICY_ACTION_TYPES)
    return [Error(text, hint="See POLICY_ACTION_TYPES.", id="policies.E001") for text in found]
