"""Advice is acknowledged and put off in place, where it belongs."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import House, Visitor

pytestmark = pytest.mark.xdist_group("browser")


def test_advice_is_put_off_and_taken_up_again_on_its_page(operator: Visitor, house: House) -> None:
    found = house.call("GET", "/advisories?open=true&kind=review_waiting")["results"][0]
    page = operator.open(f"/tasks/{found['task']}")
    note = page.locator(f"#advisory-{found['id']}")
    note.locator("summary").click()
    note.get_by_role("button", name="1 day").click()
    expect(page.locator("#toast")).to_contain_text("Put off for a day")
    expect(note).to_contain_text("Put off until")
    assert house.call("GET", f"/advisories/{found['id']}")["snoozed_until"]
    if not note.locator("details[open]").count():
        note.locator("summary").click()
    note.get_by_role("button", name="Take up again").click()
    expect(note).not_to_contain_text("Put off until")
    assert house.call("GET", f"/advisories/{found['id']}")["snoozed_until"] is None
    assert operator.errors == []
