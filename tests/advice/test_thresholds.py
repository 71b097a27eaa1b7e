"""Thresholds by mission: told in the record, refused with the nearest name, and heeded by every rule."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from coordinator.lib.errors import Invalid
from missions.advice import thresholds
from missions.lifecycle import TaskStatus
from missions.models import Advisory, Mission
from missions.services import advising
from missions.supervision import adviser
from tests.advice import causes
from tests.factories import client_of, person
from tests.missions import world
from traceability.models import Entry


@pytest.mark.parametrize(
    "own",
    [{}, {"stalled_after_s": 60}, {"budget_info_percent": 60, "budget_warning_percent": 60}, {"silent_after_s": 10}],
)
def test_whole_numbers_within_their_bounds_fit(own: dict[str, Any]) -> None:
    thresholds.require_fit(own)


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ({"stalled_after": 60}, "do you mean 'stalled_after_s'?"),
        ({"colour": 1}, "There is no threshold 'colour'."),
        ({"stalled_after_s": 9}, "stalled_after_s is a whole number from 10 to 2592000"),
        ({"stalled_after_s": "60"}, "whole number"),
        ({"stalled_after_s": 60.5}, "whole number"),
        ({"loop_failures": True}, "whole number"),
        ({"budget_info_percent": 90}, "must not fall"),
        ([], "an object of names and whole numbers"),
        (None, "an object of names and whole numbers"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(own: object, says: str) -> None:
    with pytest.raises(Invalid, match=says[:20].replace("(", "")) as refusal:
        thresholds.require_fit(own)
    assert says in refusal.value.errors["thresholds"][0]


@pytest.mark.django_db
def test_thresholds_are_set_over_the_api_and_told_in_the_record() -> None:
    operator = client_of(person("operator"))
    made = operator.post("/api/missions", {"goal": "G", "thresholds": {"stalled_after_s": 60}}, format="json")
    assert (made.status_code, made.json()["thresholds"]) == (201, {"stalled_after_s": 60})
    address = f"/api/missions/{made.json()['id']}"
    answer = operator.patch(address, {"thresholds": {"stalled_afters": 60}}, format="json")
    assert answer.status_code == 422
    assert "do you mean 'stalled_after_s'?" in answer.json()["errors"]["thresholds"][0]
    assert operator.patch(address, {"thresholds": None}, format="json").status_code == 422
    assert operator.patch(address, {"thresholds": {}}, format="json").json()["thresholds"] == {}
    told = [each.data["fields"].get("thresholds") for each in Entry.objects.of_kind("mission").order_by("id")]
    assert told == [{"stalled_after_s": 60}, {}]


@pytest.mark.django_db
def test_thresholds_are_set_in_the_admin(client: Client) -> None:
    client.force_login(person("admin"))
    address = f"/admin/missions/mission/{world.mission().pk}/change/"
    world.submit(client, address, thresholds='{"loop_failures": 5}')
    assert Mission.objects.get().thresholds == {"loop_failures": 5}
    refused = world.send(client, address, thresholds='{"loop_failure": 5}')
    assert "do you mean &#x27;loop_failures&#x27;?" in refused.content.decode()


@pytest.mark.django_db
def test_a_mission_that_was_made_before_there_were_thresholds_replays() -> None:
    mission = world.mission()
    told = Entry.objects.get(kind="mission.created", mission_id=mission.pk).data["fields"]
    assert told["thresholds"] == {}


@pytest.mark.django_db
def test_a_mission_with_thresholds_of_its_own_is_told_of_sooner() -> None:
    usual, quick = world.mission(), world.mission(thresholds={"stalled_after_s": 60})
    for mission in (usual, quick):
        world.task(mission, status=TaskStatus.IN_PROGRESS)
    assert adviser.review(now=timezone.now() + timedelta(seconds=61)) == (1, 0)
    assert Advisory.objects.get().mission == quick
    causes.revise(quick, thresholds={})
    assert adviser.review(now=timezone.now() + timedelta(seconds=61)) == (0, 1)


@pytest.mark.django_db
def test_an_agent_is_silent_by_the_shortest_patience_of_its_missions() -> None:
    task = causes.at_work(world.mission(thresholds={"silent_after_s": 20}))
    world.task(agent=task.agent, status=TaskStatus.IN_PROGRESS)
    assert advising.sweep(now=timezone.now() + timedelta(seconds=15)) == (0, 0)
    assert advising.sweep(now=timezone.now() + timedelta(seconds=21)) == (1, 0)
