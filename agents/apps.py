from typing import Any

from django.apps import AppConfig

from accounts.notifying import naming


class AgentsConfig(AppConfig):
    name = "agents"

    def ready(self) -> None:
        agents: Any = self.get_model("Agent")
        naming.register("agent", lambda value: agents.objects.identified(value).ref)
