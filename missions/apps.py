from django.apps import AppConfig

from knowledge import references


class MissionsConfig(AppConfig):
    name = "missions"

    def ready(self) -> None:
        missions, tasks = self.get_model("Mission"), self.get_model("Task")
        references.register("mission", lambda value: missions.objects.identified(value).ref)
        references.register("task", lambda value: tasks.objects.identified(value).ref)
