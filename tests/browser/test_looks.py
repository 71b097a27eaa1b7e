"""Every page in both themes and at phone width: nothing for axe to find, no console error, no sideways scroll."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import House, Visitor

pytestmark = pytest.mark.xdist_group("browser")

PAGES = (
    "/", "/missions", "/missions/checkout", "/missions/checkout?tab=timeline", "/missions/checkout?tab=cost",
    "/missions/checkout?tab=people", "/missions/checkout?tab=requirements", "/missions/checkout?tab=trace", "/tasks",
    "/tasks/TASK", "/approvals", "/agents", "/agents/cobalt", "/sprints", "/sprints/sprint-14", "/objectives", 
    "/requirements", "/requirements/REQ-111", "/traceability", "/policies", "/policies/no-force-push", "/decisions",
    "/knowledge", "/knowledge?q=retry", "/trace", "/usage", "/operations", "/records",
    "/admin/missions/task/", "/admin/policies/approval/",
)  # fmt: skip
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
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


ALIKE = "document.querySelectorAll('tbody tr:nth-child(n+6), .feed li:nth-child(n+6)').forEach((row) => row.remove())"
"""Rows after the fifth are like those before; axe takes its time for each."""


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_clean_in_both_themes_and_fits_a_phone(operator: Visitor, house: House, path: str) -> None:
    page = operator.open(path.replace("TASK", house.in_review()) if "TASK" in path else path)
    page.evaluate(ALIKE)
    assert faults(Axe().run(page, options=RULES).response) == []
    page.emulate_media(color_scheme="dark")
    assert faults(page.evaluate("(rules) => axe.run(document, rules)", CONTRAST)) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert operator.errors == []


def test_the_menu_opens_on_a_phone(operator: Visitor) -> None:
    page = operator.open("/")
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="Menu").click()
    page.locator("#rail").get_by_role("link", name="Agents").click()
    page.wait_for_url("**/agents")
