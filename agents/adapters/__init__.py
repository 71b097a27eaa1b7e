"""The kinds of agents that tasks can be handed to, by the name that `adapter_module` holds."""

from agents.adapters.base import AdapterProblem, AgentAdapter, Failure
from agents.adapters.claude import ClaudeCli, ClaudeCode
from agents.adapters.openai import OpenAi

ADAPTERS: dict[str, AgentAdapter] = {each.name: each for each in (ClaudeCode(), ClaudeCli(), OpenAi())}


def named(name: str) -> AgentAdapter:
    """The adapter of this name. Raises AdapterProblem."""
    if name in ADAPTERS:
        return ADAPTERS[name]
    raise AdapterProblem(Failure.MISCONFIGURED, f"There is no adapter {name!r}; there are {', '.join(ADAPTERS)}.")
