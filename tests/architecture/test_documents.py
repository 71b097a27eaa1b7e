"""What the documents promise is so."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r"""\b(?:text|flag|number|words)\(\s*"([A-Z][A-Z0-9_]+)\"""")
FAMILIES = {"KNOWLEDGE_EMBEDDING_MODEL", "KNOWLEDGE_EMBEDDING_API_KEY", "KNOWLEDGE_EMBEDDING_DIMENSIONS"}
"""Named in docs/settings.md by the end of their name."""


def names_of_settings() -> set[str]:
    sources = [ROOT / "coordinator" / f"{name}.py" for name in ("settings", "environment", "queues")]
    return {name for path in sources for name in READ.findall(path.read_text())}


def test_every_setting_is_documented() -> None:
    told = (ROOT / "docs" / "settings.md").read_text()
    assert sorted(name for name in names_of_settings() - FAMILIES if f"`{name}`" not in told) == []


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=lambda p: p.name
)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))
