"""Agents at a real server: kept-alive connections, pooled database connections, many at once."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import requests

from agents.models import Agent
from missions.models import Mission
from tests.agents.rows import agent, mission, task
from tests.factories import service, token_of

AGENTS, EACH = 8, 15


def test_eight_agents_report_at_once_and_nothing_is_lost(served: str) -> None:
    of = mission()
    accounts = [service() for _ in range(AGENTS)]
    rows = [agent(service_account=account) for account in accounts]
    works = [task(of, agent=row) for row in rows]
    tokens = [token_of(account) for account in accounts]

    def work(number: int) -> set[int]:
        path = f"{served}/api/agents/{rows[number].key}/activity"
        codes = set()
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {tokens[number]}"
            for turn in range(EACH):
                body: dict[str, Any] = {"event": "task_start" if turn % 2 else "waiting_for_input"}
                body["context"] = {"task": works[number].key, "turn": turn}
                body["usage"] = {"usage_id": f"turn-{turn}", "cost_usd": "0.01"}
                codes.add(session.post(path, json=body, timeout=30).status_code)
        return codes

    with ThreadPoolExecutor(AGENTS) as pool:
        assert set().union(*pool.map(work, range(AGENTS))) == {201}
    assert all(row.activities.count() == EACH for row in rows)
    assert Mission.objects.get(pk=of.pk).cost_usd == Decimal("0.01") * AGENTS * EACH
    assert set(Agent.objects.values_list("cost_usd", flat=True)) == {Decimal("0.01") * EACH}
    told = requests.get(
        f"{served}/api/usage?group_by=agent", headers={"Authorization": f"Bearer {tokens[0]}"}, timeout=30
    ).json()
    assert [row["cost_usd"] for row in told["results"]] == ["0.15"] * AGENTS
