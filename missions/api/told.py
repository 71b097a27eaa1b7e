"""What the answers of tasks and missions say besides the resource itself, for the OpenAPI schema."""

from typing import Any

from rest_framework import serializers

from missions.api.serializers import MissionShape, TaskShape
from policies.api.question_serializers import FindingShape


class HeldMission(MissionShape):
    """A mission whose move waits for a person."""

    approval = serializers.IntegerField(read_only=True, help_text="What holds the move.")

    class Meta(MissionShape.Meta):
        fields = (*MissionShape.Meta.fields, "approval")


class ClaimedTask(TaskShape):
    """A task with the number of the claim on it."""

    fence = serializers.IntegerField(read_only=True, help_text="Grows with every holder; reports may name it.")

    class Meta(TaskShape.Meta):
        fields = (*TaskShape.Meta.fields, "fence")


class Advice(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.CharField()
    severity = serializers.CharField()
    message = serializers.CharField()


class ToldTask(TaskShape):
    """A task with what the policies said of the move and what is advised."""

    decisions = FindingShape(many=True, read_only=True)
    advisories = Advice(many=True, read_only=True)

    class Meta(TaskShape.Meta):
        fields = (*TaskShape.Meta.fields, "decisions", "advisories")


class HeldTask(ToldTask):
    """A task whose move waits for a person."""

    approval = serializers.IntegerField(read_only=True, help_text="What holds the move.")

    class Meta(ToldTask.Meta):
        fields = (*ToldTask.Meta.fields, "approval")


STEERED = {200: MissionShape, 202: HeldMission}
TOLD = {200: ToldTask, 202: HeldTask}
