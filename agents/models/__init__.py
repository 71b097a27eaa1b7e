from agents.models.activity import Activity
from agents.models.agent import Agent
from agents.models.usage import Usage

__all__ = ["Activity", "Agent", "Usage"]
