"""The shapes of objectives, key results and requirements, in and out."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from coordinator.lib.serializers import Key, Reference, StrictModel, Text
from traceability import rollup
from traceability.models import KeyResult, Objective, ObjectiveStatus, Requirement, RequirementStatus
from traceability.models.objective import plain_amount

STAMPS = ("version", "created_at", "updated_at")


class Amount(serializers.DecimalField):
    """A decimal as text, up to 14 digits before and 6 after the point; a number is taken too."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 20)
        kwargs.setdefault("decimal_places", 6)
        super().__init__(**kwargs)

    def to_representation(self, value: Any) -> str:
        return plain_amount(Decimal(value))


class ObjectiveShape(StrictModel):
    objective_id = Key()
    title = Text(max_length=500)
    description = Text(required=False, allow_blank=True, max_length=100_000)
    owner = Text(required=False, allow_blank=True, max_length=254)
    status = serializers.ChoiceField(choices=ObjectiveStatus.choices, required=False)
    progress = serializers.SerializerMethodField(help_text="Weighted mean of its key results, 0 to 1; null without.")

    class Meta:
        model = Objective
        fields = ("id", "objective_id", "title", "description", "owner", "status", "progress", *STAMPS)
        read_only_fields = STAMPS

    def get_progress(self, objective: Objective) -> float | None:
        return rollup.number(objective.progress)


class KeyResultShape(StrictModel):
    kr_id = Key()
    objective = Reference(read_only=True)
    title = Text(max_length=500)
    start = Amount(required=False)
    target = Amount(required=False)
    current = Amount(required=False)
    unit = Text(required=False, allow_blank=True, max_length=50)
    weight = Amount(required=False, max_digits=10, decimal_places=4, min_value=Decimal(0))
    progress = serializers.SerializerMethodField(help_text="How far from start to target, 0 to 1.")

    class Meta:
        model = KeyResult
        fields = (
            "id", "kr_id", "objective", "title", "start", "target", "current", "unit", "weight", "progress", *STAMPS,
        )  # fmt: skip
        read_only_fields = STAMPS

    def get_progress(self, result: KeyResult) -> float:
        return float(result.progress)


class RequirementShape(StrictModel):
    requirement_id = Key()
    title = Text(max_length=500)
    description = Text(required=False, allow_blank=True, max_length=100_000)
    key_result = Reference(queryset=KeyResult.objects.all(), required=False, allow_null=True)
    priority = serializers.ChoiceField(choices=Requirement.Priority.choices, required=False)
    horizon = serializers.ChoiceField(choices=Requirement.Horizon.choices, required=False)
    status = serializers.ChoiceField(choices=RequirementStatus.choices, required=False)

    class Meta:
        model = Requirement
        fields = (
            "id", "requirement_id", "title", "description", "key_result", "priority", "horizon", "status",
            "revision", *STAMPS,
        )  # fmt: skip
        read_only_fields = ("revision", *STAMPS)
        extra_kwargs = {"revision": {"help_text": "Grows when title or description change."}}
