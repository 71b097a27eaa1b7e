"""Who takes part in a mission: agents and people, each with a role."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from missions.models import Participation
from tests.factories import client_of, person
from tests.missions import world
from traceability.models import Entry

pytestmark = pytest.mark.django_db


def test_an_agent_joins_is_listed_and_leaves(operator: APIClient) -> None:
    row, who = world.mission(), world.agent()
    address = f"/api/missions/{row.key}/agents"
    joined = operator.post(address, {"agent": who.key, "role": "lead"}, format="json")
    assert (joined.status_code, joined.json()["agent"], joined.json()["role"]) == (201, who.key, "lead")
    assert [each["agent"] for each in operator.get(address).json()["results"]] == [who.key]
    assert operator.delete(f"{address}/{who.pk}").status_code == 204
    assert operator.get(address).json()["results"] == []
    assert operator.delete(f"{address}/{who.key}").status_code == 404
    kinds = list(Entry.objects.of_mission(row.pk).order_by("pk").values_list("kind", flat=True))
    assert kinds[-2:] == ["mission.participant_joined", "mission.participant_left"]


def test_a_person_joins_is_listed_and_leaves(operator: APIClient) -> None:
    row, who = world.mission(), person()
    address = f"/api/missions/{row.pk}/members"
    joined = operator.post(address, {"member": who.email}, format="json")
    assert (joined.status_code, joined.json()["member"], joined.json()["role"]) == (201, who.email, "contributor")
    assert [each["member"] for each in operator.get(address).json()["results"]] == [who.email]
    assert operator.delete(f"{address}/{who.email}").status_code == 204
    assert operator.get(address).json()["results"] == []


def test_joining_again_gives_the_new_role(operator: APIClient) -> None:
    row, who = world.mission(), world.agent()
    address = f"/api/missions/{row.key}/agents"
    assert operator.post(address, {"agent": who.key}, format="json").status_code == 201
    again = operator.post(address, {"agent": who.pk, "role": "reviewer"}, format="json")
    assert (again.status_code, again.json()["role"]) == (200, "reviewer")
    entries = Entry.objects.of_mission(row.pk).count()
    assert operator.post(address, {"agent": who.key, "role": "reviewer"}, format="json").status_code == 200
    assert Entry.objects.of_mission(row.pk).count() == entries
    assert Participation.objects.filter(mission=row).count() == 1


@pytest.mark.parametrize("body", [{}, {"agent": "nobody"}, {"agent": True}, {"agent": "{agent}", "role": "king"}])
def test_a_bad_participation_is_422(operator: APIClient, body: dict[str, Any]) -> None:
    row, who = world.mission(), world.agent()
    given = {name: who.key if value == "{agent}" else value for name, value in body.items()}
    assert operator.post(f"/api/missions/{row.key}/agents", given, format="json").status_code == 422
    assert not Participation.objects.filter(mission=row).exists()


def test_a_viewer_sees_who_takes_part_and_changes_nothing() -> None:
    viewer, row, who = client_of(person("viewer")), world.mission(), world.agent()
    for noun, name in (("agents", who.key), ("members", person().email)):
        address = f"/api/missions/{row.key}/{noun}"
        assert viewer.get(address).status_code == 200
        assert viewer.post(address, {noun[:-1]: name}, format="json").status_code == 403
        assert viewer.delete(f"{address}/{name}").status_code == 403
