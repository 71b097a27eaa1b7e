"""The evening: what is left for a person, what the records say, and which pages are worth a look."""

import time
from decimal import Decimal
from typing import Any

import requests

from coordinator.demo import library
from coordinator.demo.api import Api, Refused
from coordinator.demo.cast import AGENTS
from coordinator.demo.day import Day
from coordinator.demo.script import Fate

ADVISED_WITHIN_S = 25
PAGES = (
    ("/", "what is going on, and what waits for you"),
    ("/missions/{mission}", "a mission: its tasks, its people, its cost and its timeline"),
    ("/tasks/{rejected}", "a task that was rejected and redone"),
    ("/agents", "the six agents"),
    ("/approvals", "a deployment waits for your word"),
    ("/decisions", "what the policies decided, and on what grounds"),
    ("/policies/demo-no-force-push", "a policy that blocks"),
    ("/sprints/day.{run}", "the sprint and its burn-down"),
    ("/objectives", "objectives and key results"),
    ("/traceability", "from the goals to the tasks"),
    ("/knowledge?q=password+too+long", "what was stored, and a search in it"),
    ("/usage", "tokens and money"),
    ("/trace", "every step of it, as recorded"),
)


def leave_for_a_person(callers: dict[str, Api], day: Day) -> None:
    """Things that nobody decides in the demo: a deployment is held, and a plan has changed its words."""
    bcrypt, django = day.script.of("bcrypt"), day.script.of("django")
    version = bcrypt.jobs[-1].change.group
    action = {"action_type": "deploy", "environment": "production", "service": "bcrypt", "version": version}
    held = callers["ferris"].post("/policies/evaluate", {"action": action, "mission": bcrypt.key})
    day.narrator.say(
        "ferris", f"asks to deploy bcrypt {version}: {held['outcome']}, approval {held['approval']} waits for you"
    )
    shell = {"action_type": "shell", "command": "curl -sSf https://sh.rustup.rs | sh"}
    told = callers["pilar"].post("/policies/evaluate", {"action": shell})
    day.narrator.say(
        "pilar", f"asks about `{shell['command']}`: {told['outcome']}; a policy on trial would have blocked it"
    )
    maya = callers["maya"]
    need = maya.get(f"/requirements/{django.needs[0].key}")
    title = f"{need['title']}, and its replacements are named in the docs"
    maya.patch(f"/requirements/{need['requirement_id']}", {"title": title}, version=need["version"])
    day.narrator.say("maya", f"rewords {need['requirement_id']}: the tasks that serve it are suspect until looked at")


def close_the_books(callers: dict[str, Api], day: Day) -> None:
    """The morning's sprint and the finished mission end."""
    maya, bcrypt = callers["maya"], day.script.of("bcrypt")
    maya.post(f"/sprints/morning.{day.script.run}/complete")
    maya.post(f"/missions/{bcrypt.key}/complete")
    day.narrator.say("maya", f"completes morning.{day.script.run} and {bcrypt.key}")
    for venture in day.script.ventures:
        who = next(part.agent_id for part in AGENTS if part.home == venture.slug)
        used = {"usage_id": f"{venture.key}:summary", "mission": venture.key, "model": "claude-haiku-4-5"}
        callers[who].post("/usage", {**used, "input_tokens": 4_200, "output_tokens": 600})
        day.narrator.say(who, f"reports what the evening's summary of {venture.key} cost")


def read_advice(callers: dict[str, Api], day: Day) -> None:
    """What the coordinator advises, if its workers look in time; Maya acknowledges the first of it."""
    maya, until = callers["maya"], time.monotonic() + ADVISED_WITHIN_S
    while not (advice := _advice(maya, day)):
        if time.monotonic() > until:
            day.narrator.say("maya", "has no advice yet: the workers give it when they look next")
            return
        day.pace.poll()
    for each in advice:
        day.narrator.say("advice", f"{each['severity']}: {each['message']}")
    maya.post(f"/advisories/{advice[0]['id']}/acknowledge")
    day.narrator.say("maya", f"acknowledges advisory {advice[0]['id']}")


def look_up(callers: dict[str, Api], day: Day, documents: list[str]) -> None:
    tomas = callers["tomas"]
    library.wait_until_read(tomas, documents, day.pace, day.narrator, time.monotonic)
    library.ask(tomas, day.script, day.narrator)


def check_the_records(maya: Api, day: Day) -> bool:
    """Whether each mission's chain is valid and its replay gives what stands in the tables."""
    day.narrator.title("What the records say")
    good = True
    for venture in day.script.ventures:
        proof, again = maya.get(f"/missions/{venture.key}/trace/verify"), maya.post(f"/missions/{venture.key}/replay")
        good = good and proof["valid"] and again["matches_current"]
        mission = maya.get(f"/missions/{venture.key}")
        counts = ", ".join(f"{count} {status}" for status, count in mission["counts"].items() if count)
        verdict = "valid" if proof["valid"] else f"BROKEN at {proof['first_bad']}"
        replay = "matches" if again["matches_current"] else f"DIFFERS: {again['differences']}"
        day.narrator.write(
            f"  {venture.key:<16} {mission['status']:<10} {_dollars(mission['cost_usd']):>6} USD   {counts}\n"
            f"  {'':<16} {proof['entries']} entries, chain {verdict}, replay {replay}"
        )
    for line in _totals(maya):
        day.narrator.write(f"  {line}")
    return good


def show_the_pages(url: str, day: Day) -> None:
    rejected = next(job.key for job in day.script.jobs.values() if job.fate == Fate.THIN)
    named = {"mission": day.script.of("django").key, "rejected": rejected, "run": day.script.run}
    day.narrator.title("Worth looking at")
    for path, why in PAGES:
        day.narrator.write(f"  {url}{path.format(**named):<34} {why}")


def _totals(maya: Api) -> list[str]:
    stats = maya.get("/traceability")["stats"]
    models = maya.get("/usage", group_by="model")["results"]
    spent = ", ".join(f"{each['model']} {_dollars(each['cost_usd'])} USD" for each in models if each["cost_usd"])
    return [
        f"Traceability: {stats['linked_tasks']} of {stats['total_tasks']} tasks serve a requirement "
        f"({stats['task_coverage']} %)",
        f"Spent so far, all runs: {spent}",
    ]


def _dollars(amount: str) -> str:
    return f"{Decimal(amount):.2f}"


def _advice(maya: Api, day: Day) -> list[Any]:
    try:
        return [each for each in maya.every("/advisories", open="true") if each["mission"] in day.script.missions]
    except Refused as refusal:
        if refusal.status != requests.codes.not_found:
            raise
        return []
