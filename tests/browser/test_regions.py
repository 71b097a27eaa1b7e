"""A page asks only for the regions whose topics were touched."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import House, Visitor
from tests.browser.test_live import live
from tests.factories import unique

pytestmark = pytest.mark.xdist_group("browser")


def asked_of(page: Page) -> list[set[str]]:
    """The regions of each request that the page makes from now on."""
    asked: list[set[str]] = []

    def note(headers: dict[str, str]) -> None:
        if "x-live" in headers:
            asked.append({part.partition("=")[0] for part in headers["x-live"].split(",")})

    page.on("request", lambda request: note(request.headers))
    return asked


def test_news_of_agents_fetch_the_regions_of_agents(operator: Visitor, house: House) -> None:
    page = live(operator.open("/agents"))
    page.wait_for_load_state("networkidle")
    asked, name = asked_of(page), unique("Birch")
    house.call("PATCH", "/agents/birch", {"name": name})
    expect(page.get_by_text(name, exact=True)).to_be_visible()
    assert set().union(*asked) == {"summary", "list"}


def test_news_of_another_mission_leave_the_regions_of_this_one(operator: Visitor, house: House) -> None:
    page = live(operator.open("/missions/checkout"))
    page.wait_for_load_state("networkidle")
    asked = asked_of(page)
    house.call("POST", "/missions/accessibility/tasks", {"objective": unique("Elsewhere")})
    here = house.call("POST", "/missions/checkout/tasks", {"objective": unique("Here")})["objective"]
    expect(page.get_by_text(here).first).to_be_visible()
    assert {"tab"} <= set().union(*asked)
    asked.clear()
    with page.expect_request(lambda request: "nav=" in request.headers.get("x-live", "")):
        house.call("POST", "/missions/accessibility/tasks", {"objective": unique("Elsewhere")})
    assert not {"tab"} & set().union(*asked)
