"""What was reported of a task, with its log lines."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from coordinator.lib.filters import Since
from coordinator.lib.serializers import Reference
from coordinator.lib.views import ResourceView
from missions.api.serializers import LogLine, PersonReference
from missions.models import Report, Task


class TaskReportShape(serializers.ModelSerializer[Report]):
    task = Reference(read_only=True)
    agent = Reference(read_only=True, allow_null=True)
    by = PersonReference(read_only=True)
    status = serializers.CharField(help_text="The state that it asked for; empty when it asked for none.")
    logs = LogLine(many=True)
    logs_sha256 = serializers.CharField(help_text="As the trace entry `task.reported` keeps it; empty without lines.")

    class Meta:
        model = Report
        fields = ("id", "task", "agent", "by", "status", "percent", "outputs", "logs", "logs_sha256", "at")
        read_only_fields = fields


class ReportsOfTask(ResourceView):
    """The reports on one task; none of them ever changes."""

    scopes = {"list": "tasks:read"}
    queryset = Report.objects.select_related("task", "agent", "by")
    serializer_class = TaskReportShape
    filters = {"after": Since("at"), "before": Since("at", "lt")}

    def list(self, request: Request, key: str) -> Response:
        """What was reported of this task and by whom, with the log lines, the first report first."""
        task: Task = self.row(Task.objects.all())
        return self.page(self.get_queryset().filter(task=task))
