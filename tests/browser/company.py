"""The company's names: agents, missions with their tasks, how each task ends, and what is known."""

from typing import Any

from missions.lifecycle import TaskStatus

AGENTS = (
    ("amber", "claude_code", "python"),
    ("birch", "claude_code", "python"),
    ("cobalt", "openai", "sql"),
    ("delta", "claude_cli", "docs"),
    ("ember", "openai", "frontend"),
    ("fjord", "", "frontend"),
    ("garnet", "claude_code", "review"),
    ("heron", "", "sql"),
    ("indigo", "openai", "docs"),
)
MISSIONS = (
    (
        "checkout",
        "Checkout rewrite",
        "60",
        (
            "Split payment form into steps",
            "Add idempotency keys to POST /orders",
            "Cover refund edge cases",
            "Quarterly totals off by one day",
            "Rate limit the login endpoint",
            "Remove dead feature flags",
            "Write migration for order_state",
            "Document webhook retries",
        ),
    ),
    (
        "postgres-16",
        "Postgres 15 to 16 upgrade",
        "30",
        (
            "Upgrade pgvector index to HNSW",
            "Backfill address normalisation",
            "Profile the slow invoice query",
            "Index on invoice(customer_id)",
            "Rehearse the switch-over on a copy",
            "Write the roll-back plan",
        ),
    ),
    (
        "accessibility",
        "Accessibility audit fixes",
        "9",
        (
            "Fix focus order in the cart drawer",
            "Contrast of disabled buttons",
            "Name every icon button",
            "Stabilise test_checkout_timeout",
            "Announce errors of the payment form",
        ),
    ),
)
ENDS = (
    TaskStatus.COMPLETED,
    TaskStatus.COMPLETED,
    TaskStatus.PENDING_REVIEW,
    TaskStatus.IN_PROGRESS,
    TaskStatus.BLOCKED,
    TaskStatus.PENDING,
    TaskStatus.FAILED,
    TaskStatus.PENDING_REVIEW,
)
WHY = {
    TaskStatus.BLOCKED: "Which of the two tax tables is authoritative?",
    TaskStatus.FAILED: "Tests failed 3 times in a row",
}
NOTES = (
    (
        "Webhook retries",
        "Deliveries are tried again after 1, 5 and 25 minutes, then parked. A parked one is sent by hand.",
    ),
    (
        "Why idempotency keys",
        "A client that loses the answer sends the order again. The key makes the second one a replay.",
    ),
    ("Order state machine", "An order is new, paid, shipped or returned. Nothing else may be written to order_state."),
)
ASKED: tuple[dict[str, Any], ...] = (
    {"action_type": "git_push", "force": True, "branch": "main"},
    {"action_type": "deploy", "target": "production"},
)
