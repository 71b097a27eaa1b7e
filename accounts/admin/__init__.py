"""Accounts and what belongs to them in the admin; every change goes through a service."""

from accounts.admin import notifications, people

__all__ = ["notifications", "people"]
