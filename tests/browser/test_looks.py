"""Every page in both themes and at phone width: nothing for axe to find, no console error, no sideways scroll."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import House, Visitor

pytestmark = pytest.mark.xdist_group("browser")

PAGES = (
    "/", "/missions", "/missions/checkout", "/missions/checkout?tab=timeline", "/missions/checkout?tab=cost",
    "/missions/checkout?tab=people", "/missions/checkout?tab=requirements", "/missions/checkout?tab=trace", "/tasks",
    "TASK", "/approvals", "/agents", "/agents/cobalt", "/sprints", "/sprints/sprint-14", "/objectives", "/requirements",
    "/requirements/REQ-111", "/traceability", "/policies", "/policies/no-force-push", "/decisions",
    "/knowledge", "/knowledge?q=retry", "/trace", "/usage", "/operations", "/records",
)  # fmt: skip
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
NOT_OURS = {"region", "landmark-unique"}
"""Rules about landmarks that Django's own admin frame breaks."""


def faults(page: Page, theme: str) -> list[str]:
    """What axe finds wrong, with the elements."""
    page.evaluate("(theme) => document.documentElement.dataset.theme = theme", theme)
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{theme} {each['id']}: {node['html'][:160]} {node['any'][:1] or node['all'][:1]}"
        for each in found
        if each["id"] not in NOT_OURS
        for node in each["nodes"][:3]
    ]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_clean_in_both_themes_and_fits_a_phone(operator: Visitor, house: House, path: str) -> None:
    task = (
        house.call("GET", "/tasks?status=pending_review&page_size=1")["results"][0]["task_id"] if path == "TASK" else ""
    )
    page = operator.open(f"/tasks/{task}" if task else path)
    found = faults(page, "light") + faults(page, "dark")
    page.set_viewport_size({"width": 390, "height": 844})
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert found == []
    assert wide <= 390
    assert operator.errors == []


def test_the_menu_opens_on_a_phone(operator: Visitor) -> None:
    page = operator.open("/")
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="Menu").click()
    page.locator("#rail").get_by_role("link", name="Agents").click()
    page.wait_for_url("**/agents")
