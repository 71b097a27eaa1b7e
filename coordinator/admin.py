"""The job queue in the admin: seen by admins alone and changed by nobody there.

django-q2's own forms would let whoever opens them run any function of the installation by its dotted name.
"""

from django.contrib import admin
from django_q.admin import FailAdmin, QueueAdmin, ScheduleAdmin, TaskAdmin
from django_q.models import Failure, OrmQ, Schedule, Success

from coordinator.lib.admin import ReadOnlyAdmin


class Seen(ReadOnlyAdmin):
    """No form saves and no action runs."""

    read_scope = "accounts:admin"
    actions = None


for model, stock in {Schedule: ScheduleAdmin, Success: TaskAdmin, Failure: FailAdmin, OrmQ: QueueAdmin}.items():
    admin.site.unregister(model)
    admin.site.register(model, type(f"Seen{stock.__name__}", (Seen, stock), {}))
