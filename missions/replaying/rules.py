"""How decisions, approvals, executions and advisories of a mission change with each kind of entry. Pure."""

from collections.abc import Callable

from missions.replaying.state import State, Told, money

Reducer = Callable[[State, Told], None]
SAID = ("policy_id", "revision", "outcome")
"""What history keeps of each policy that matched, beside its words."""


def _decided(state: State, told: Told) -> None:
    data = told.data
    state.decisions[data["decision"]] = {
        "task": told.key_of("task"),
        "agent": told.key_of("agent"),
        "policies": [{name: each[name] for name in SAID} for each in data["policies"]],
        **{name: data[name] for name in ("point", "action_type", "outcome", "input_hash", "bundle_hash", "approval")},
    }


def _requested(state: State, told: Told) -> None:
    state.approvals[told.data["approval"]] = {
        "task": told.key_of("task"),
        "agent": told.key_of("agent"),
        "state": "pending",
        "used": False,
        **{name: told.data[name] for name in ("summary", "reason", "digest", "expires_at", "policies")},
    }


def _granted(state: State, told: Told) -> None:
    state.approvals[told.data["approval"]].update(state="approved", used=told.data["released"])


def _used(state: State, told: Told) -> None:
    state.approvals[told.data["approval"]]["used"] = True


def _closed(after: str) -> Reducer:
    def close(state: State, told: Told) -> None:
        state.approvals[told.data["approval"]]["state"] = after

    return close


def _queued(state: State, told: Told) -> None:
    state.executions[told.data["execution"]] = {
        "task": told.key_of("task"),
        "agent": told.key_of("agent"),
        "adapter": told.data["adapter"],
        "state": "queued",
        "attempt": 0,
        "host": "",
        "failure": "",
        "cost_usd": None,
    }


def _started(state: State, told: Told) -> None:
    data = told.data
    state.executions[data["execution"]].update(state="running", attempt=data["attempt"], host=data["host"], failure="")


def _retried(state: State, told: Told) -> None:
    data = told.data
    state.executions[data["execution"]].update(
        state="queued", failure=data["failure"], cost_usd=money(data["cost_usd"])
    )


def _ended(state: State, told: Told) -> None:
    data = told.data
    state.executions[data["execution"]].update(
        state=data["state"], failure=data["failure"], cost_usd=money(data["cost_usd"])
    )


def _opened(state: State, told: Told) -> None:
    data = told.data
    state.advisories[data["advisory"]] = {
        "task": told.key_of("task"),
        "agent": told.key_of("agent"),
        "cause": data["cause"],
        "kind": data["about"],
        "severity": data["severity"],
        "message": data["message"],
        "acknowledged": False,
        "snoozed_until": data.get("snoozed_until"),
        "resolved": False,
    }


def _snoozed(state: State, told: Told) -> None:
    state.advisories[told.data["advisory"]]["snoozed_until"] = told.data["until"]


def _marked(word: str) -> Reducer:
    def mark(state: State, told: Told) -> None:
        state.advisories[told.data["advisory"]][word] = True

    return mark


REDUCERS: dict[str, Reducer] = {
    "decision.made": _decided,
    "approval.requested": _requested,
    "approval.granted": _granted,
    "approval.used": _used,
    "approval.rejected": _closed("rejected"),
    "approval.expired": _closed("rejected"),
    "approval.overtaken": _closed("overtaken"),
    "execution.queued": _queued,
    "execution.started": _started,
    "execution.retried": _retried,
    "execution.ended": _ended,
    "advisory.opened": _opened,
    "advisory.acknowledged": _marked("acknowledged"),
    "advisory.snoozed": _snoozed,
    "advisory.resolved": _marked("resolved"),
}
