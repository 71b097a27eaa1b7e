"""Mission processes as rows: what is wanted, which host holds each, and what it knew when it was last kept."""

from datetime import datetime
from typing import Self

from django.db import models

from missions.models.mission import Mission


class MissionHostQuerySet(models.QuerySet["MissionHost"]):
    def living(self) -> Self:
        return self.filter(state__in=MissionHost.LIVING)

    def living_at(self, now: datetime) -> Self:
        """Those that live and whose lease has not run out."""
        return self.living().filter(lease_until__gte=now)


class MissionHost(models.Model):
    """One incarnation of a host of mission processes. Its id is the fencing token: it never comes again.

    `lag_ms` is how long the newest entry that it folded waited, `applied` how many entries it has folded.
    """

    class State(models.TextChoices):
        ALIVE = "alive"
        DRAINING = "draining"
        LEFT = "left"
        DEAD = "dead"

    LIVING = (State.ALIVE, State.DRAINING)

    machine = models.CharField(max_length=200)
    pid = models.IntegerField()
    version = models.CharField(max_length=64)
    state = models.CharField(max_length=16, choices=State.choices, default=State.ALIVE)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    missions = models.PositiveIntegerField(default=0)
    applied = models.PositiveBigIntegerField(default=0)
    lag_ms = models.FloatField(default=0)

    objects = MissionHostQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["lease_until"], name="host_living", condition=models.Q(state__in=["alive", "draining"])
            )
        ]

    def __str__(self) -> str:
        return f"{self.machine}, process {self.pid}"


class MissionProcess(models.Model):
    """The mission's process as rows: what is wanted, and which host holds it now.

    `host` names the machine of `owner`, `epoch` counts the owners, `restarts` the crashes since it was started,
    `crashes` are the times (seconds since 1970) of those that still count against it.
    """

    class State(models.TextChoices):
        STOPPED = "stopped"
        STARTING = "starting"
        RUNNING = "running"
        CRASHED = "crashed"
        PARKED = "parked"

    mission = models.OneToOneField(Mission, primary_key=True, on_delete=models.PROTECT, related_name="process")
    wanted = models.BooleanField(default=False)
    state = models.CharField(max_length=16, choices=State.choices, default=State.STOPPED)
    owner = models.ForeignKey(MissionHost, null=True, on_delete=models.PROTECT, related_name="processes")
    epoch = models.PositiveBigIntegerField(default=0)
    host = models.CharField(max_length=200, blank=True)
    restarts = models.PositiveIntegerField(default=0)
    crashes = models.JSONField(default=list)
    restart_at = models.DateTimeField(null=True)
    since = models.DateTimeField()
    last_error = models.TextField(blank=True)
    last_error_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "mission processes"
        indexes = [models.Index(fields=["wanted", "state"], name="process_wanted")]

    def __str__(self) -> str:
        return f"process of {self.mission.key}"

    @property
    def summary(self) -> dict[str, object]:
        host = self.host if self.state == self.State.RUNNING else ""
        return {"state": self.state, "host": host or None, "restarts": self.restarts, "since": self.since}


class MissionCheckpoint(models.Model):
    """What a mission's process knew after the entry `seq` of its stream: a cache, made again from the ledger at will.

    `state` is compressed JSON of the form `schema` (see `missions.standing.packing`).
    """

    mission = models.OneToOneField(Mission, primary_key=True, on_delete=models.PROTECT, related_name="checkpoint")
    seq = models.PositiveBigIntegerField()
    schema = models.PositiveIntegerField()
    state = models.BinaryField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"checkpoint of {self.mission_id} at {self.seq}"


class MissionStanding(models.Model):
    """How a mission stands after the entry `seq` of its stream, for those who look at many: nothing needs counting.

    `counts` are its tasks by status; `figures` are what `missions.standing.figures.shown` gives.
    """

    mission = models.OneToOneField(Mission, primary_key=True, on_delete=models.PROTECT, related_name="standing")
    seq = models.PositiveBigIntegerField()
    counts = models.JSONField(default=dict)
    figures = models.JSONField(default=dict)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"standing of {self.mission_id} at {self.seq}"
