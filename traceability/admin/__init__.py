"""Plans and the record in the admin; every change goes through a service."""

from traceability.admin import planning, record

__all__ = ["planning", "record"]
