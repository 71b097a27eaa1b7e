"""The state of a mission's process. It holds keys, numbers and times, never a text that somebody wrote. Pure.

Times are seconds since 1970, money is in millionths of a US dollar, so that a mission takes about 400 bytes a task.
"""

from dataclasses import dataclass, field

HOURS_KEPT = 168
"""So many hours with cost are remembered."""

FINISHED_KEPT = 50
"""So many of the last completions are remembered."""


@dataclass(slots=True)
class Work:
    """A task. `since` is when it was moved last, `heard` when anything was told of it last.

    `holder` and `fence` are its claim; `run` is the id of its open execution, `running` whether a worker has it.
    `failed` tells the last failure from others, `failures` how often it came in a row.
    """

    key: str
    status: str
    since: float
    heard: float
    agent: str | None = None
    percent: int = 0
    cost: int = 0
    budget: int | None = None
    due: float | None = None
    needs: tuple[str, ...] = ()
    requirements: int = 0
    holder: str | None = None
    fence: int = 0
    run: int | None = None
    running: bool = False
    failed: str = ""
    failures: int = 0


@dataclass(slots=True)
class Fellow:
    """An agent at work here: its row id, when it was last told of, and the failure it met how often in a row."""

    id: int
    heard: float
    failed: str = ""
    failures: int = 0


@dataclass(slots=True)
class Standing:
    """A mission. `tasks` are by row id, `agents` by public key, `advisories` are the open ones by cause.

    `spent` is the cost by hour (hours since 1970), `finished` the times of the last completions, `at` the time of the
    newest entry, `thresholds` what the mission sets of its own (see `missions.advice.thresholds`).
    """

    status: str = ""
    process: str = "stopped"
    at: float = 0.0
    started: float | None = None
    deadline: float | None = None
    budget: int | None = None
    cost: int = 0
    thresholds: dict[str, float] = field(default_factory=dict)
    tasks: dict[int, Work] = field(default_factory=dict)
    agents: dict[str, Fellow] = field(default_factory=dict)
    participants: dict[str, str] = field(default_factory=dict)
    advisories: dict[str, int] = field(default_factory=dict)
    spent: dict[int, int] = field(default_factory=dict)
    finished: list[float] = field(default_factory=list)
