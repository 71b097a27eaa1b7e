"""Every page in both themes and at phone width: nothing for axe to find, no console error, no sideways scroll."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.conftest import House, Visitor, visit

pytestmark = pytest.mark.xdist_group("browser")

PAGES = (
    "/", "/missions", "/missions/checkout", "/missions/checkout?tab=timeline", "/missions/checkout?tab=cost",
    "/missions/checkout?tab=replay", "/missions/checkout?tab=replay&seq=60&with_seq=20",
    "/missions/checkout?tab=people", "/missions/checkout?tab=requirements", "/missions/checkout?tab=trace", "/tasks",
    "/tasks/TASK", "/approvals", "/agents", "/agents/cobalt", "/sprints", "/sprints/sprint-14", "/objectives",
    "/requirements", "/requirements/REQ-111", "/traceability", "/policies", "/policies/no-force-push", "/decisions",
    "/knowledge", "/knowledge?q=retry", "/trace", "/usage", "/operations", "/notifications", "/records",
    "/admin/missions/task/", "/admin/policies/approval/", "/admin/missions/mission/add/", "/admin/missions/task/add/",
)  # fmt: skip
SPILLS = """[...document.querySelectorAll("main a, main p, main input, main select, main button")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth)
  .filter((each) => !each.closest(".scroll, .results, .inline-group, .clip, pre, .log"))
  .map((each) => each.outerHTML.slice(0, 120))"""
"""What stands outside a phone's screen and is in nothing that scrolls or is cut."""

NAMED = (
    "!document.querySelector('select.admin-autocomplete') || document.querySelector('.select2-selection[aria-label]')"
)
"""Django's script makes its search boxes a moment after the page has loaded."""

ONLY = {"resultTypes": ["violations"], "preload": False}
RULES = {**ONLY, "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
CONTRAST = {**ONLY, "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
NOT_OURS = {"region", "landmark-unique"}
"""Rules about landmarks that Django's own admin frame breaks."""


def faults(found: dict[str, Any]) -> list[str]:
    """What axe found wrong, with the elements."""
    return [
        f"{each['id']}: {node['html'][:160]} {[why['message'] for why in node['any'] + node['all'] + node['none']][:1]}"
        for each in found["violations"]
        if each["id"] not in NOT_OURS
        for node in each["nodes"][:3]
    ]


ALIKE = """for (const row of ["tbody tr", ".feed li", ".needs li", ".agent", ".task-card", ".log li", ".cell"])
  document.querySelectorAll(`${row}:nth-child(n+5)`).forEach((each) => each.remove())"""
"""Rows after the fourth are like those before; axe takes its time for each."""

FRAME = {"exclude": [["#rail"], ["#header"]]}
"""The frame is the same on every page; it is looked at on the first one."""


@pytest.fixture(scope="module")
def looker(browser: Browser, house: House) -> Iterator[tuple[Visitor, Page]]:
    """One person with one tab, who goes from page to page."""
    for visitor in visit(browser, house, "operator"):
        yield visitor, visitor.open("/missions")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_clean_in_both_themes_and_fits_a_phone(looker: tuple[Visitor, Page], house: House, path: str) -> None:
    visitor, page = looker
    visitor.errors.clear()
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(visitor.address + (path.replace("TASK", house.in_review()) if "TASK" in path else path))
    page.wait_for_function(NAMED)
    page.evaluate(ALIKE)
    part = None if path == "/" else FRAME
    assert faults(Axe().run(page, context=part, options=RULES).response) == []
    page.emulate_media(color_scheme="dark")
    assert faults(page.evaluate("([part, rules]) => axe.run(part || document, rules)", [part, CONTRAST])) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate(SPILLS) == []
    assert visitor.errors == []


def test_the_menu_opens_on_a_phone(operator: Visitor) -> None:
    page = operator.open("/")
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="Menu").click()
    page.locator("#rail").get_by_role("link", name="Agents").click()
    page.wait_for_url("**/agents")


LONG_KEYS = """for (const id of document.querySelectorAll(".cell .id"))
  id.textContent = "platform.team.r12.requirement-1234" """
TOO_WIDE = (
    "[...document.querySelectorAll('.cell, .cell .line')].filter((e) => e.scrollWidth > e.clientWidth + 1).length"
)


def test_a_long_key_stays_inside_its_cell_with_the_title_beside_it(looker: tuple[Visitor, Page]) -> None:
    visitor, page = looker
    page.goto(visitor.address + "/traceability")
    assert page.locator(".cell .name").first.inner_text() == "Payment errors under 1 %: part 1"
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(LONG_KEYS)
        assert page.evaluate(TOO_WIDE) == 0, width
