"""The shapes of sprints, in and out."""

from typing import Any

from rest_framework import serializers

from coordinator.lib.serializers import Key, Reference, Strict, StrictModel, Text
from sprints.lifecycle import SprintStatus
from sprints.models import Sprint


class SprintShape(StrictModel):
    sprint_id = Key()
    name = Text(max_length=200)
    goal = Text(required=False, allow_blank=True, max_length=100_000)
    start_date = serializers.DateField()
    end_date = serializers.DateField(help_text="The last day, on or after start_date; at most 366 days in all.")
    status = serializers.ChoiceField(choices=SprintStatus.choices, required=False)

    class Meta:
        model = Sprint
        fields = (
            "id", "sprint_id", "name", "goal", "start_date", "end_date", "status", "started_at", "completed_at",
            "version", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = ("started_at", "completed_at", "version", "created_at", "updated_at")


class NoFields(Strict):
    """No field: the address says it all."""


class DayShape(serializers.Serializer[Any]):
    date = serializers.DateField()
    ideal = serializers.FloatField(help_text="Tasks that would be left on an even way from `committed` to none.")
    scope = serializers.IntegerField(source="count.scope", allow_null=True, default=None)
    completed = serializers.IntegerField(source="count.completed", allow_null=True, default=None)
    remaining = serializers.IntegerField(source="count.remaining", allow_null=True, default=None)


class BurnDownShape(serializers.Serializer[Any]):
    sprint = Reference(read_only=True)
    start_date = serializers.DateField(source="sprint.start_date")
    end_date = serializers.DateField(source="sprint.end_date")
    status = serializers.CharField(source="sprint.status")
    committed = serializers.IntegerField(source="committed.scope", help_text="Tasks in it when it was started.")
    scope = serializers.IntegerField(source="latest.scope")
    completed = serializers.IntegerField(source="latest.completed")
    remaining = serializers.IntegerField(source="latest.remaining")
    days = DayShape(many=True, help_text="The end of each day, UTC; null figures for days to come.")


class PaceShape(serializers.Serializer[Any]):
    sprint = Reference(read_only=True)
    name = serializers.CharField(source="sprint.name")
    start_date = serializers.DateField(source="sprint.start_date")
    end_date = serializers.DateField(source="sprint.end_date")
    completed_at = serializers.DateTimeField(source="sprint.completed_at")
    committed = serializers.IntegerField(help_text="Tasks in it when it was started.")
    scope = serializers.IntegerField(help_text="Tasks in it when it was completed.")
    completed = serializers.IntegerField(help_text="Tasks of it that were completed by then.")


class VelocityShape(serializers.Serializer[Any]):
    sprints = PaceShape(source="paces", many=True, help_text="Completed sprints, the oldest first.")
    average = serializers.FloatField(allow_null=True, help_text="Completed tasks a sprint, over the last three.")
