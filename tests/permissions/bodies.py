"""What each POST and PATCH of the table sends; nothing where it is not named. Names in braces as in the table."""

from typing import Any

PASSWORD = "correct horse battery"
BODIES: dict[str, Any] = {
    "POST /api/accounts": {"email": "new@example.org", "role": "viewer"},
    "PATCH /api/accounts/{account}": {"name": "Another name"},
    "POST /api/tokens": {"name": "ci"},
    "POST /api/notifications": {"kind": "webhook", "address": "https://hooks.example.org/new", "topics": ["tasks"]},
    "PATCH /api/notifications/{notification}": {"topics": ["tasks", "needs-you"]},
    "POST /api/sessions": {"email": "{viewer}", "password": PASSWORD},
    "POST /api/objectives": {"title": "Ship it"},
    "PATCH /api/objectives/{objective}": {"title": "Ship it well"},
    "POST /api/objectives/{objective}/key_results": {"title": "Ten users", "target": "10"},
    "PATCH /api/key_results/{kr}": {"current": "3"},
    "POST /api/requirements": {"title": "It starts"},
    "PATCH /api/requirements/{requirement}": {"title": "It starts fast"},
    "POST /api/traceability/import": {"items": [{"type": "objective", "id": "o-new", "title": "Carried in"}]},
    "POST /api/agents": {"agent_id": "a-new"},
    "PATCH /api/agents/{agent}": {"name": "Another name"},
    "POST /api/agents/{agent}/activity": {"event": "heartbeat"},
    "POST /api/sprints": {"name": "Next", "start_date": "2026-12-01", "end_date": "2026-12-14"},
    "PATCH /api/sprints/{sprint}": {"goal": "Another goal"},
    "POST /api/policies": {
        "conditions": {"action_type": "git_push", "force": True},
        "actions": [{"block": "Force pushes are not allowed."}],
    },
    "PATCH /api/policies/{policy}": {"description": "Another description"},
    "POST /api/policies/{policy}/waivers": {
        "reason": "The outage of tonight.",
        "expires_at": "{soon}",
        "agent": "{agent}",
    },
    "POST /api/policies/evaluate": {"action": {"action_type": "git_push", "force": True}, "agent": "{agent}"},
    "POST /api/policies/simulate": {"conditions": {"action_type": "git_push"}, "actions": [{"warn": "A push."}]},
    "POST /api/knowledge/documents": {"content": "Deliveries are tried again after five minutes."},
    "PATCH /api/knowledge/documents/{document}": {"title": "Another title"},
    "POST /api/knowledge/search": {"query": "deliveries", "mode": "text"},
    "POST /api/missions": {"goal": "Another mission"},
    "PATCH /api/missions/{mission}": {"goal": "Another goal"},
    "POST /api/missions/{mission}/tasks": {"objective": "Another task"},
    "POST /api/missions/{mission}/agents": {"agent": "{agent}", "role": "lead"},
    "POST /api/missions/{mission}/members": {"member": "{account}"},
    "PATCH /api/tasks/{task}": {"percent": 5},
    "POST /api/tasks/{task}/report": {"progress": {"status": "in_progress", "percent": 10}},
    "POST /api/tasks/{review}/approve": {"comment": "Good."},
    "POST /api/tasks/{review}/reject": {"comment": "Once more."},
    "POST /api/tasks/{task}/claim": {"agent": "{agent}"},
    "POST /api/tasks/{held}/renew": {"agent": "{agent}"},
    "POST /api/tasks/{held}/release": {"agent": "{agent}"},
    "POST /api/advisories/{advisory}/snooze": {"minutes": 60},
    "POST /api/usage": {"agent": "{agent}", "input_tokens": 10, "cost_usd": "0.01"},
    "POST /api/trace/{entry}/erase": {"paths": ["fields.goal"], "reason": "A name stood in it."},
    "POST /api/github/webhook": {"action": "opened"},
}


def filled(body: Any, names: dict[str, str]) -> Any:
    """The body with every `{name}` replaced."""
    if isinstance(body, str):
        return names[body[1:-1]] if body.startswith("{") and body.endswith("}") else body
    if isinstance(body, dict):
        return {key: filled(value, names) for key, value in body.items()}
    return [filled(value, names) for value in body] if isinstance(body, list) else body
