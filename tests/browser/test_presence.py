"""A heartbeat moves an agent's light on an open page, and fetches nothing."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import House, Visitor
from tests.browser.test_live import live

pytestmark = pytest.mark.xdist_group("browser")


@pytest.mark.parametrize("path", ["/agents", "/", "/agents/amber"])
def test_a_heartbeat_moves_the_light_and_fetches_nothing(operator: Visitor, house: House, path: str) -> None:
    pk = house.call("GET", "/agents/amber")["id"]
    page = live(operator.open(path))
    shown = page.locator(f'[data-agent-light="{pk}"] time')
    before = shown.get_attribute("datetime")
    fetched: list[str] = []
    page.on("request", lambda asked: fetched.append(asked.url) if "x-live" in asked.headers else None)
    house.call("POST", "/agents/amber/activity", {"event": "heartbeat"})
    expect(shown).not_to_have_attribute("datetime", before or "")
    expect(shown).to_have_text("now")
    expect(page.locator(f'[data-agent-light="{pk}"]')).to_have_attribute("data-state", "on")
    assert fetched == []
    assert operator.errors == []
