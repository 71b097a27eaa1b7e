"""The end of a mission asks for a checkpoint of the record."""

from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from missions.lifecycle import MissionStatus
from missions.services import steering
from tests.missions import world
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db
ENDS = {MissionStatus.COMPLETED: True, MissionStatus.CANCELLED: True, MissionStatus.PAUSED: False}


@pytest.mark.parametrize("after", ENDS)
@pytest.mark.parametrize("wanted", [True, False])
def test_the_end_of_a_mission_asks_for_a_checkpoint_where_checkpoints_are_wanted(
    after: MissionStatus, wanted: bool, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.CHECKPOINTS = wanted
    mission = world.mission()
    with django_capture_on_commit_callbacks(execute=True):
        steering.move_mission(mission, after, expected=None, actor=SYSTEM, now=timezone.now())
    asked = [row.task["func"] for row in OrmQ.objects.order_by("pk")]
    assert asked.count("traceability.jobs.checkpoint") == int(wanted and ENDS[after])
