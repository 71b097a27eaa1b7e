"""The whole day, played by a process of its own over real sockets, and looked at through the API."""

from decimal import Decimal
from typing import Any

import pytest

from coordinator.demo.api import Api
from tests.contract.__main__ import outcome
from tests.contract.all import PROMISES as CONTRACT
from tests.contract.client import Client
from tests.demo.conftest import Demo
from tests.faults.crew import Workers

PATIENCE_S = 120
MISSIONS = ("bcrypt.r1", "django.r1", "coordinator.r1")


class Story:
    """What the API tells after the day."""

    def __init__(self, api: Api, told: str, token: str) -> None:
        self.api, self.told, self.token = api, told, token

    def entries(self, event: str) -> list[Any]:
        return list(self.api.every("/trace", event=event))

    def moves(self, task: str) -> list[str]:
        return [each["data"]["after"] for each in self.api.every("/trace", event="task.moved", task=task)]


def a_force_push_was_blocked(story: Story) -> None:
    blocked = list(story.api.every("/decisions", policy="demo-no-force-push", outcome="block"))
    assert blocked
    assert blocked[0]["input"]["action"]["force"] is True


def a_held_start_was_approved_by_a_person(story: Story) -> None:
    (approval,) = story.api.every("/approvals", point="task_transition")
    assert (approval["state"], approval["decided_by"]) == ("approved", "maya@example.org")
    assert story.moves(approval["task"])[-1] == "completed"


def a_deployment_waits_for_whoever_looks(story: Story) -> None:
    (approval,) = story.api.every("/approvals", state="pending")
    assert approval["action_type"] == "deploy"


def rejected_work_was_redone_and_completed(story: Story) -> None:
    moves = story.moves("bcrypt.r1.03")
    assert moves[-1] == "completed"
    assert moves.index("rejected") < moves.index("completed")
    assert moves.count("in_progress") == 2


def a_blocked_task_went_on(story: Story) -> None:
    moves = story.moves("django.r1.04")
    assert moves[:3] == ["in_progress", "blocked", "in_progress"]


def leases_ran_out_and_were_given_back(story: Story) -> None:
    reasons = {each["task"]: each["data"]["reason"] for each in reversed(story.entries("task.released"))}
    assert reasons["django.r1.02"].endswith("ran out")
    assert reasons["coordinator.r1.02"] == "released"


def two_agents_reached_for_one_task_and_one_was_refused(story: Story) -> None:
    assert "reaches for bcrypt.r1.01 and is refused (409)" in story.told


def nobody_approved_their_own_work(story: Story) -> None:
    assert "tries to approve its own bcrypt.r1.01, refused (403)" in story.told
    assert "Mission django.r1 wants four eyes" in story.told
    assert story.moves("django.r1.05")[-1] == "completed"


def every_mission_cost_something(story: Story) -> None:
    assert all(Decimal(story.api.get(f"/missions/{mission}")["cost_usd"]) > 0 for mission in MISSIONS)
    models = {each["model"] for each in story.api.get("/usage", group_by="model")["results"] if each["cost_usd"]}
    assert {"claude-opus-5", "house-model-7b"} <= models


def a_document_is_found_by_meaning(story: Story) -> None:
    asked = {"query": "a secret phrase that is too long is no longer shortened", "mode": "semantic", "limit": 8}
    found = story.api.post("/knowledge/search", {**asked, "filter": {"kind": "reference"}})
    assert "bcrypt 5.0.0" in [each["document"]["title"] for each in found["results"]]


def the_plan_reaches_from_goals_to_work(story: Story) -> None:
    tree = story.api.get("/traceability")
    assert tree["stats"]["total_objectives"] == 3
    assert tree["stats"]["task_coverage"] == 100
    assert "django.r1.need-3" in tree["requirements_without_tasks"]
    result = story.api.get("/key_results/bcrypt.r1.result")
    assert result["current"] == result["target"]


def the_sprints_tell_what_was_done(story: Story) -> None:
    chart = story.api.get("/sprints/day.r1/burndown")
    assert (chart["scope"], chart["remaining"]) == (21, 3)
    assert story.api.get("/sprints/velocity")["average"] == 5


def advice_was_given_and_seen(story: Story) -> None:
    advice = list(story.api.every("/advisories"))
    assert advice
    assert any(each["acknowledged_by"] for each in advice)


def every_record_is_in_order(story: Story) -> None:
    assert story.api.get("/trace/verify")["valid"]
    statuses = [story.api.get(f"/missions/{mission}")["status"] for mission in MISSIONS]
    assert statuses == ["completed", "active", "active"]
    for mission in MISSIONS:
        assert story.api.get(f"/missions/{mission}/trace/verify")["valid"]
        assert story.api.post(f"/missions/{mission}/replay")["matches_current"]


def agents_and_people_each_acted_for_themselves(story: Story) -> None:
    actors = {(each["actor"]["kind"], each["actor"]["name"]) for each in story.api.every("/trace", event="task")}
    agents = {name for kind, name in actors if kind == "agent"}
    people = {name for kind, name in actors if kind == "person"}
    assert len(agents) == 6
    assert {"maya@example.org", "tomas@example.org"} <= people


def no_token_of_the_day_is_left(story: Story) -> None:
    assert {each["account"] for each in story.api.every("/tokens") if not each["revoked_at"]} == {
        story.api.get("/me")["email"]
    }


def nobody_elses_work_is_held_up(story: Story) -> None:
    client = Client(story.api.url, story.token)
    came = {f"{each.about} {each.says}": outcome(each, client) for each in CONTRACT}
    assert {name: told for name, told in came.items() if told != "ok"} == {}


PROMISES = (
    a_force_push_was_blocked,
    a_held_start_was_approved_by_a_person,
    a_deployment_waits_for_whoever_looks,
    rejected_work_was_redone_and_completed,
    a_blocked_task_went_on,
    leases_ran_out_and_were_given_back,
    two_agents_reached_for_one_task_and_one_was_refused,
    nobody_approved_their_own_work,
    every_mission_cost_something,
    a_document_is_found_by_meaning,
    the_plan_reaches_from_goals_to_work,
    the_sprints_tell_what_was_done,
    advice_was_given_and_seen,
    every_record_is_in_order,
    agents_and_people_each_acted_for_themselves,
    no_token_of_the_day_is_left,
    nobody_elses_work_is_held_up,
)


def test_the_day_is_played_to_its_end_and_keeps_every_promise(
    workers: Workers, served: str, token: str, api: Api, demo: Demo, subtests: pytest.Subtests
) -> None:
    process = demo("--url", served, "--token", token, "--fast")
    told, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, told
    story = Story(api, told, token)
    for promise in PROMISES:
        with subtests.test(promise.__name__.replace("_", " ")):
            promise(story)
