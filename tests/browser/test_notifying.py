"""Notifications are made, tried and removed on their page; the secret of a webhook is shown once."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.xdist_group("browser")

ADDRESS = "https://hooks.example.org/coordinator?key=12345"


def test_a_webhook_is_made_tried_paused_and_removed_without_a_reload(viewer: Visitor) -> None:
    page = viewer.open("/notifications")
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
    page.get_by_label("Address").fill(ADDRESS)
    page.get_by_label("Tasks", exact=True).check()
    page.get_by_label("Of single things").fill("mission:checkout")
    page.get_by_role("button", name="Tell me there").click()
    expect(page.locator("#made code")).to_contain_text("whsec_")
    row = page.locator("#live-places tbody tr")
    expect(row).to_have_count(1)
    expect(row.locator(".tag")).to_have_text(["What waits for a person", "Tasks", "mission:checkout"])
    first = page.locator("#made code").inner_text()
    row.get_by_role("button", name="New secret").click()
    expect(page.locator("#made code")).not_to_have_text(first)
    row.get_by_role("button", name="Test").click()
    expect(page.locator("#live-sent tbody tr")).to_contain_text("notification.test")
    row.get_by_role("button", name="Pause").click()
    expect(row.get_by_role("button", name="Resume")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)
    assert page.evaluate("window.notReloaded")
    assert viewer.errors == []


def test_what_is_refused_is_said_at_the_form_and_nothing_is_lost_from_it(viewer: Visitor) -> None:
    page = viewer.open("/notifications")
    page.get_by_label("Address").fill("http://127.0.0.1/")
    page.get_by_role("button", name="Tell me there").click()
    expect(page.locator(".making .told")).to_contain_text("Only https addresses are sent to")
    expect(page.get_by_label("Address")).to_have_value("http://127.0.0.1/")
