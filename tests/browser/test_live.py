"""What is written through the API shows on open pages without a reload, and what is decided there is decided."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import House, Visitor
from tests.factories import unique

pytestmark = pytest.mark.xdist_group("browser")


def live(page: Page) -> Page:
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
    return page


def same(page: Page) -> bool:
    """Whether the page was never loaded anew."""
    return bool(page.evaluate("window.notReloaded === true"))


def reviewed(house: House, objective: str) -> str:
    """A task that waits for review; its key."""
    task: str = house.call("POST", "/missions/checkout/tasks", {"objective": objective})["task_id"]
    for status in ("in_progress", "pending_review"):
        house.call("POST", f"/tasks/{task}/report", {"progress": {"status": status, "percent": 90}})
    return task


def test_a_write_through_the_api_shows_on_dashboard_mission_index_and_mission_page(
    operator: Visitor, house: House
) -> None:
    goal, key = unique("Move the invoices"), unique("invoices")
    dashboard, index = live(operator.open("/")), live(operator.open("/missions"))
    house.call("POST", "/missions", {"mission_id": key, "goal": goal, "status": "active"})
    for page in (dashboard, index):
        expect(page.get_by_role("link", name=goal, exact=True).first).to_be_visible()
    mission = live(operator.open(f"/missions/{key}"))
    task = house.call("POST", f"/missions/{key}/tasks", {"objective": "Copy the totals"})["task_id"]
    expect(mission.locator(".column").filter(has_text="Pending").get_by_text("Copy the totals")).to_be_visible()
    house.call("POST", f"/tasks/{task}/report", {"progress": {"status": "blocked"}})
    expect(mission.locator(".column").filter(has_text="Blocked").get_by_text("Copy the totals")).to_be_visible()
    expect(dashboard.locator(".needs").get_by_role("link", name="Copy the totals", exact=True)).to_be_visible()
    assert all(same(page) for page in (dashboard, index, mission))
    assert operator.errors == []


def test_work_is_approved_in_place_and_every_open_page_sees_it(operator: Visitor, house: House) -> None:
    objective = unique("Round the totals")
    approvals, mission = live(operator.open("/approvals")), live(operator.open("/missions/checkout"))
    task = reviewed(house, objective)
    approvals.get_by_role("button", name=f"Approve {objective}").click()
    expect(approvals.get_by_role("button", name=f"Approve {objective}")).to_have_count(0)
    expect(approvals.locator("#toast")).to_contain_text("Approved")
    expect(mission.locator(".column").filter(has_text="Completed").get_by_text(objective)).to_be_visible()
    assert house.call("GET", f"/tasks/{task}")["status"] == "completed"
    assert same(approvals)
    assert operator.errors == []


def test_a_rejection_wants_a_comment_and_half_written_words_survive_news(operator: Visitor, house: House) -> None:
    objective = unique("Name the columns")
    page = live(operator.open("/approvals"))
    task = reviewed(house, objective)
    page.get_by_role("button", name=f"Reject {objective}").click()
    page.locator("#reject textarea").fill("The second column")
    other = reviewed(house, unique("Some other work"))
    expect(page.locator(".needs li").filter(has_text=house.call("GET", f"/tasks/{other}")["objective"])).to_be_visible()
    expect(page.locator("#reject textarea")).to_have_value("The second column")
    expect(page.locator("#reject textarea")).to_be_focused()
    page.get_by_role("button", name="Reject with comment").click()
    expect(page.get_by_role("button", name=f"Reject {objective}")).to_have_count(0)
    assert house.call("GET", f"/tasks/{task}")["status"] == "rejected"
    assert operator.errors == []


def test_a_held_action_is_approved_in_place(operator: Visitor, house: House) -> None:
    target = unique("staging")
    page = live(operator.open("/"))
    asked = {"action": {"action_type": "deploy", "target": target}, "mission": "checkout"}
    approval = house.call("POST", "/policies/evaluate", asked)["approval"]
    row = page.locator(f"#need-approval-{approval}")
    row.get_by_role("button", name="Approve").click()
    expect(row).to_have_count(0)
    assert house.call("GET", f"/approvals/{approval}")["state"] == "approved"
    assert operator.errors == []


def test_a_decision_that_somebody_else_made_first_is_told_where_one_decides(operator: Visitor, house: House) -> None:
    objective = unique("Sort the rows")
    task = reviewed(house, objective)
    page = live(operator.open("/approvals"))
    page.evaluate("document.querySelectorAll('[data-live]').forEach((each) => each.removeAttribute('data-live'))")
    house.call("POST", f"/tasks/{task}/approve", {"comment": "Fine."})
    page.get_by_role("button", name=f"Approve {objective}").click()
    expect(page.locator("#toast")).to_contain_text("Not saved (412)")


def test_a_mission_is_paused_and_started_on_its_page(operator: Visitor, house: House) -> None:
    page = live(operator.open("/missions/accessibility"))
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Start")).to_be_visible()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert house.call("GET", "/missions/accessibility")["status"] == "active"


def test_focus_and_scroll_stay_where_they_are_when_news_arrive(operator: Visitor, house: House) -> None:
    page = live(operator.open("/tasks"))
    page.locator("input[type=search]").fill("half a wor")
    page.evaluate("window.scrollTo(0, 120)")
    objective = unique("News while reading")
    house.call("POST", "/missions/checkout/tasks", {"objective": objective})
    expect(page.get_by_role("link", name=objective)).to_have_count(1)
    expect(page.locator("input[type=search]")).to_be_focused()
    expect(page.locator("input[type=search]")).to_have_value("half a wor")
    assert page.evaluate("window.scrollY") == 120
    assert same(page)


def test_keys_move_through_what_waits(operator: Visitor, house: House) -> None:
    reviewed(house, unique("Work for the keyboard"))
    page = live(operator.open("/approvals"))
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".needs li.at")).to_have_count(1)
    page.keyboard.press("r")
    expect(page.locator("#reject textarea")).to_be_focused()
