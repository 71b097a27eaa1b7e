from importlib import import_module
from typing import Any

from django.apps import AppConfig

from accounts.notifying import naming
from knowledge import references


class MissionsConfig(AppConfig):
    name = "missions"

    def ready(self) -> None:
        missions: Any = self.get_model("Mission")
        tasks: Any = self.get_model("Task")
        references.register("mission", lambda value: missions.objects.identified(value).ref)
        references.register("task", lambda value: tasks.objects.identified(value).ref)
        naming.register("mission", lambda value: missions.objects.identified(value).ref)
        naming.register("task", lambda value: tasks.objects.identified(value).ref)
        import_module("missions.supervision.spawning").listen()
