"""Who plays: six agents and two people, and who of them looks after which mission."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AgentPart:
    """An agent. `home` is the mission that it turns to first; `cost_per_mtok` prices a model that no list knows."""

    agent_id: str
    name: str
    home: str
    model: str
    capabilities: tuple[str, ...]
    cost_per_mtok: str | None = None

    @property
    def email(self) -> str:
        return f"{self.agent_id}@agents.example.org"


@dataclass(frozen=True, kw_only=True)
class PersonPart:
    """A person who reviews the work of some missions; the one who leads also decides what is held."""

    who: str
    name: str
    reviews: tuple[str, ...]
    leads: bool = False

    @property
    def email(self) -> str:
        return f"{self.who}@example.org"


AGENTS = (
    AgentPart(
        agent_id="ferris",
        name="Ferris",
        home="bcrypt",
        model="claude-opus-5",
        capabilities=("python", "rust", "packaging", "release"),
    ),
    AgentPart(
        agent_id="winnie", name="Winnie", home="bcrypt", model="gpt-5.3-codex", capabilities=("python", "packaging")
    ),
    AgentPart(agent_id="odette", name="Odette", home="django", model="claude-sonnet-5", capabilities=("python", "orm")),
    AgentPart(
        agent_id="hugo",
        name="Hugo",
        home="django",
        model="claude-sonnet-4-6",
        capabilities=("python", "orm", "web"),
    ),
    AgentPart(
        agent_id="lena", name="Lena", home="coordinator", model="claude-haiku-4-5", capabilities=("python", "web")
    ),
    AgentPart(
        agent_id="pilar",
        name="Pilar",
        home="coordinator",
        model="house-model-7b",
        capabilities=("python", "testing", "release"),
        cost_per_mtok="0.40",
    ),
)
MAYA = PersonPart(who="maya", name="Maya Lindqvist", reviews=("bcrypt", "coordinator"), leads=True)
TOMAS = PersonPart(who="tomas", name="Tomás Rey", reviews=("django",))
PEOPLE = (MAYA, TOMAS)
