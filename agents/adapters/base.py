"""What an adapter is: how a task's prompt reaches an agent, and how its run is watched, stopped and paid.

An adapter knows agents only: no task, no mission, no database.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from agents.costs import Use
from agents.health import HealthState

LONGEST_TIMEOUT_S = 12 * 3600


class Failure(StrEnum):
    """Why a run gave no result, in one word."""

    NOT_INSTALLED = "not_installed"
    NOT_LOGGED_IN = "not_logged_in"
    MISCONFIGURED = "misconfigured"
    RATE_LIMITED = "rate_limited"
    UNREACHABLE = "unreachable"
    OVER_BUDGET = "over_budget"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    REFUSED_BY_POLICY = "refused_by_policy"
    AGENT_ERROR = "agent_error"
    CRASHED = "crashed"
    INTERRUPTED = "interrupted"


WHAT_TO_DO: dict[Failure, str] = {
    Failure.NOT_INSTALLED: "Install the agent's program on the machine of the workers, on their PATH.",
    Failure.NOT_LOGGED_IN: "Log the program in as the workers' user, or set its key in the workers' environment.",
    Failure.MISCONFIGURED: "Correct the agent's adapter_config.",
    Failure.RATE_LIMITED: "Wait until the provider's limit is over, then execute the task again.",
    Failure.UNREACHABLE: "Check the network and the provider's address, then execute the task again.",
    Failure.OVER_BUDGET: "Raise the budget or top up the provider's account, then execute the task again.",
    Failure.TIMED_OUT: "Give it a longer timeout_s in adapter_config, or make the task smaller.",
    Failure.CANCELLED: "Execute the task again when it is wanted.",
    Failure.REFUSED_BY_POLICY: "Read the decision; change the policy or approve the action, then execute it again.",
    Failure.AGENT_ERROR: "Read the output; correct the task or the agent, then execute it again.",
    Failure.CRASHED: "Read the output and the workers' log, then execute the task again.",
    Failure.INTERRUPTED: "Execute the task again: the workers were stopped while it ran.",
}

TRIED_AGAIN = (Failure.CRASHED, Failure.INTERRUPTED, Failure.RATE_LIMITED, Failure.UNREACHABLE)
"""After these another attempt may succeed with nothing changed; without a word a run is tried again after them."""

MAY_BE_TRIED_AGAIN = (*TRIED_AGAIN, Failure.TIMED_OUT, Failure.AGENT_ERROR)
"""After any other failure somebody has to change something first."""

MOST_ATTEMPTS = 10


class AdapterProblem(Exception):
    """A run cannot begin, or an adapter cannot be used: `failure` says why, the text what exactly."""

    def __init__(self, failure: Failure, detail: str) -> None:
        self.failure, self.detail = failure, detail
        super().__init__(detail)


@dataclass(frozen=True, kw_only=True)
class Work:
    """One run that is wanted. `marker` names it in the environment of its processes, `tags` in their telemetry.

    `key` stays the same over all attempts of an execution, `marker` differs. `remote_id` names what an attempt that
    lost its worker left running elsewhere: it is taken up, not begun again.
    """

    prompt: str
    directory: Path
    marker: str
    key: str = ""
    remote_id: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    budget_usd: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a run ended; `failure` is None when it succeeded. `outputs` are for the task, `use` is what it cost."""

    failure: Failure | None = None
    detail: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    use: Use | None = None


@dataclass(frozen=True, kw_only=True)
class Health:
    """Whether the adapter could run a task now."""

    state: HealthState
    reason: str

    @classmethod
    def of(cls, problem: AdapterProblem) -> "Health":
        passing = {Failure.RATE_LIMITED, Failure.UNREACHABLE}
        state = HealthState.DEGRADED if problem.failure in passing else HealthState.DOWN
        return cls(state=state, reason=f"{problem.detail} {WHAT_TO_DO[problem.failure]}")


class Run(ABC):
    """A run under way. `result` stays None until it has ended; `group` is its process group, when it has one, and
    `remote_id` names it where it runs, when that is elsewhere."""

    result: Result | None = None
    group: int | None = None
    remote_id: str = ""

    @abstractmethod
    def poll(self, wait_s: float) -> str:
        """Waits at most about `wait_s` for news; answers the output that came since the last call."""

    def complaints(self) -> str:
        """What its program wrote on stderr since the last call."""
        return ""

    @abstractmethod
    def stop(self) -> None:
        """Asks it to end; its result comes within about two seconds of polling. A repeat does nothing."""

    @abstractmethod
    def close(self) -> None:
        """Ends whatever is left of it, at once."""


class AgentAdapter(ABC):
    """One kind of agent. `secrets` are the environment variables from which it may take a secret.

    `spawns` says whether its runs are processes on this machine.
    """

    name: ClassVar[str]
    spawns: ClassVar[bool] = False
    secrets: ClassVar[tuple[str, ...]]
    options: ClassVar[Mapping[str, Callable[[Any], bool]]]

    @abstractmethod
    def start(self, work: Work) -> Run:
        """Begins a run. Raises AdapterProblem."""

    @abstractmethod
    def probe(self, config: Mapping[str, Any]) -> str:
        """Looks whether a run could begin, without costing tokens; answers what it saw. Raises AdapterProblem."""

    def check(self, config: Mapping[str, Any]) -> Health:
        """The adapter's health with this configuration."""
        try:
            self.refuse_unknown(config)
            return Health(state=HealthState.HEALTHY, reason=self.probe(config))
        except AdapterProblem as problem:
            return Health.of(problem)

    def refuse_unknown(self, config: Mapping[str, Any]) -> None:
        """Raises AdapterProblem for an option that does not exist or cannot have its value."""
        known = {**COMMON_OPTIONS, **self.options}
        for name, value in config.items():
            if name not in known:
                detail = f"There is no option {name[:100]!r}; there are {', '.join(sorted(known))}."
                raise AdapterProblem(Failure.MISCONFIGURED, detail)
            if not known[name](value):
                raise AdapterProblem(Failure.MISCONFIGURED, f"The option {name} cannot be {str(value)[:100]!r}.")


def is_text(value: Any) -> bool:
    """Text that a program would not take for an option."""
    return isinstance(value, str) and bool(value) and not value.startswith("-") and "\x00" not in value


def is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(is_text(each) for each in value)


def is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 1_000_000


def is_seconds(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= LONGEST_TIMEOUT_S


def is_truth(value: Any) -> bool:
    return isinstance(value, bool)


def is_attempts(value: Any) -> bool:
    return is_count(value) and value <= MOST_ATTEMPTS


def is_failures(value: Any) -> bool:
    return isinstance(value, list) and all(each in MAY_BE_TRIED_AGAIN for each in value)


COMMON_OPTIONS: Mapping[str, Callable[[Any], bool]] = {
    "timeout_s": is_seconds,
    "keep_files": is_truth,
    "limit": is_count,
    "max_attempts": is_attempts,
    "retry_on": is_failures,
}
"""What every adapter's configuration may say: how long a run may take, whether its directory is kept, how many runs of
the agent go on at a time, and how often a run is tried, after which failures."""
