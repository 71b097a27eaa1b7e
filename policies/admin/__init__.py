"""Policies, their waivers, decisions and approvals in the admin: every change through the services."""

from policies.admin import policies, records, waivers

__all__ = ["policies", "records", "waivers"]
