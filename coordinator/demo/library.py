"""What the day knows: documents that are stored in the morning, and questions that are answered in the evening."""

from collections.abc import Callable
from typing import Any

from coordinator.demo.api import Api
from coordinator.demo.script import Script, Venture
from coordinator.demo.telling import Narrator, Pace

READ_WITHIN_S = 30
"""How long the workers may take to read what was stored."""


def shelve(api: Api, script: Script, narrator: Narrator) -> list[str]:
    """Stores every document of the missions; the ids of those that are there now, old or new."""
    stored = []
    for venture in script.ventures:
        ids = [_store(api, venture, text.title, text.content, text.source) for text in venture.documents]
        narrator.say("tomas", f"stores {len(ids)} documents for {venture.key}")
        stored += ids
    return stored


def ask(api: Api, script: Script, narrator: Narrator) -> None:
    """Asks each mission's question by meaning; no word of it has to stand in the answer."""
    for venture in script.ventures:
        found = api.post("/knowledge/search", {"query": venture.question, "mode": "semantic", "limit": 3})
        if found["degraded"] or not found["results"]:
            narrator.say(
                "tomas", f"asks “{venture.question}” and finds nothing by meaning: the workers have not read yet"
            )
            continue
        best = found["results"][0]
        named = f"{best['document']['title']} ({best['document']['document_id']}, {best['score']:.2f})"
        narrator.say("tomas", f"asks “{venture.question}” and finds {named}")


def wait_until_read(api: Api, documents: list[str], pace: Pace, narrator: Narrator, clock: Callable[[], float]) -> bool:
    """Whether the workers have read all of it in time. Raises CutShort."""
    until = clock() + READ_WITHIN_S
    wanted = set(documents)
    while unread := wanted & {row["document_id"] for row in api.every("/knowledge/documents", index_state="pending")}:
        if clock() > until:
            narrator.say("tomas", f"{len(unread)} documents wait to be read: do the workers run?")
            return False
        pace.poll()
    return True


def _store(api: Api, venture: Venture, title: str, content: str, source: str) -> str:
    body: dict[str, Any] = {
        "title": title,
        "content": content,
        "kind": "reference",
        "metadata": {"source": source},
        "tags": ["demo", venture.slug],
        "mission": venture.key,
    }
    return str(api.post("/knowledge/documents", body)["document_id"])
