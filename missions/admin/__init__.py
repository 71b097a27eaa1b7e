"""Missions and all that belongs to them in the admin; every change goes through a service."""

from missions.admin import advice, executions, missions, processes, records, tasks

__all__ = ["advice", "executions", "missions", "processes", "records", "tasks"]
