"""Objectives and their key results."""

from django.db import models
from django.db.models import F, Q

from coordinator.lib.keys import PublicKeyField
from coordinator.lib.models import Resource, ResourceQuerySet


class ObjectiveStatus(models.TextChoices):
    DRAFT = "draft"
    ACTIVE = "active"
    ACHIEVED = "achieved"
    DROPPED = "dropped"


class ObjectiveQuerySet(ResourceQuerySet["Objective"]):
    pass


class Objective(Resource):
    KEY = "objective_id"

    objective_id = PublicKeyField(prefix="objective")
    title = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    owner = models.CharField(max_length=254, blank=True)
    status = models.CharField(max_length=16, choices=ObjectiveStatus.choices, default=ObjectiveStatus.ACTIVE)

    objects = ObjectiveQuerySet.as_manager()


class KeyResultQuerySet(ResourceQuerySet["KeyResult"]):
    pass


class KeyResult(Resource):
    """A measurable outcome: where it started, where it is, where it should be. Decimals, in `unit`."""

    KEY = "kr_id"

    kr_id = PublicKeyField(prefix="kr")
    objective = models.ForeignKey(Objective, on_delete=models.PROTECT, related_name="key_results")
    title = models.CharField(max_length=500)
    start = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    target = models.DecimalField(max_digits=20, decimal_places=6, default=100)
    current = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    unit = models.CharField(max_length=50, blank=True)
    weight = models.DecimalField(max_digits=10, decimal_places=4, default=1)

    objects = KeyResultQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(target=F("start")), name="a_key_result_goes_somewhere"),
            models.CheckConstraint(condition=Q(weight__gte=0), name="key_result_weight_is_not_negative"),
        ]
