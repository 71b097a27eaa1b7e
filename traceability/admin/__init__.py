"""Plans and the record in the admin; every change goes through a service."""

from traceability.admin import checkpoints, planning, record

__all__ = ["checkpoints", "planning", "record"]
