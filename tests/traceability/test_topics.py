"""Which topics an entry belongs to, and who may read them: one table, the contract's."""

import pytest

from accounts import roles
from traceability import topics

CONTRACT = (
    "missions", "tasks", "agents", "objectives", "requirements", "sprints", "policies", "approvals", "advisories",
    "knowledge", "mission:1", "task:1", "agent:1",
)  # fmt: skip


@pytest.mark.parametrize("topic", CONTRACT)
def test_every_topic_of_the_contract_is_there_and_names_a_scope(topic: str) -> None:
    assert topics.scope_of(topic) in roles.SCOPES
    assert topics.unknown([topic]) == []


def test_what_is_no_topic_is_named() -> None:
    assert topics.unknown(["missions", "nothing", 7, "planet:1", ""]) == ["nothing", "7", "planet:1", ""]


def test_an_entry_belongs_to_its_own_topics_first() -> None:
    found = topics.topics_of("task.moved", mission=1, task=2, agent=None)
    assert found == ("task:2", "mission:1", "tasks")
    assert topics.topics_of("key_result.updated", mission=None, task=None, agent=None) == ("objectives",)


def test_an_entry_of_an_unknown_kind_needs_the_scope_of_the_trace() -> None:
    assert topics.scope_of_kind("task.moved") == "tasks:read"
    assert topics.scope_of_kind("token.issued") == "accounts:admin"
    assert topics.scope_of_kind("note.taken") == "trace:read"
