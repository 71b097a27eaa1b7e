"""Objectives and their key results."""

from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q

from coordinator.lib.keys import PublicKeyField
from coordinator.lib.models import Resource, ResourceQuerySet
from coordinator.lib.refs import Subject
from traceability import rollup


class ObjectiveStatus(models.TextChoices):
    DRAFT = "draft"
    ACTIVE = "active"
    ACHIEVED = "achieved"
    DROPPED = "dropped"


class ObjectiveQuerySet(ResourceQuerySet["Objective"]):
    def shown(self) -> Self:
        """With its key results, in two statements."""
        return self.prefetch_related("key_results")


class Objective(Resource):
    KEY = "objective_id"

    objective_id = PublicKeyField(prefix="objective")
    title = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    owner = models.CharField(max_length=254, blank=True)
    status = models.CharField(max_length=16, choices=ObjectiveStatus.choices, default=ObjectiveStatus.ACTIVE)

    objects = ObjectiveQuerySet.as_manager()

    @property
    def subject(self) -> Subject:
        """How history names it."""
        return Subject("objective", self.pk, self.key)

    @property
    def progress(self) -> Decimal | None:
        """The weighted mean of its key results, 0 to 1; None without any. Needs `shown()`."""
        return rollup.weighted((each.weight, each.progress) for each in self.key_results.all())


class KeyResultQuerySet(ResourceQuerySet["KeyResult"]):
    def shown(self) -> Self:
        """With its objective, in one statement."""
        return self.select_related("objective")


class KeyResult(Resource):
    """A measurable outcome: where it started, where it is, where it should be. Decimals, in `unit`."""

    KEY = "kr_id"

    kr_id = PublicKeyField(prefix="kr")
    objective = models.ForeignKey(Objective, on_delete=models.PROTECT, related_name="key_results")
    title = models.CharField(max_length=500)
    start = models.DecimalField(max_digits=20, decimal_places=6, default=Decimal(0))
    target = models.DecimalField(max_digits=20, decimal_places=6, default=Decimal(100))
    current = models.DecimalField(max_digits=20, decimal_places=6, default=Decimal(0))
    unit = models.CharField(max_length=50, blank=True)
    weight = models.DecimalField(max_digits=10, decimal_places=4, default=Decimal(1))

    objects = KeyResultQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(target=F("start")),
                name="a_key_result_goes_somewhere",
                violation_error_message="The target must differ from the start.",
            ),
            models.CheckConstraint(condition=Q(weight__gte=0), name="key_result_weight_is_not_negative"),
        ]

    @property
    def subject(self) -> Subject:
        """How history names it."""
        return Subject("key_result", self.pk, self.key)

    @property
    def progress(self) -> Decimal:
        """How far it is from its start to its target, 0 to 1."""
        return rollup.of_measure(self.start, self.target, self.current)


def plain_amount(value: Decimal) -> str:
    """`Decimal("12.500000")` as `"12.5"`: no trailing zeros, never an exponent."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
