"""The slider of a mission's replay: a moment is chosen, stepped, shared by its address, compared, without a reload."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import House, Visitor

pytestmark = pytest.mark.xdist_group("browser")

FIRST = "Entry 1 of"


@pytest.fixture
def page(operator: Visitor) -> Iterator[Page]:
    found = operator.open("/missions/checkout?tab=replay")
    expect(found.get_by_role("button", name="Play")).to_be_visible()
    yield found
    assert found.evaluate("window.notReloaded === true")
    assert operator.errors == []


def where(page: Page) -> tuple[int, int]:
    """The place that the slider says, and the last."""
    slider = page.get_by_label("Moment", exact=True)
    return int(slider.input_value()), int(slider.get_attribute("max") or 0)


def test_arrow_keys_step_one_entry_and_the_address_holds_the_moment(page: Page, house: House) -> None:
    slider = page.get_by_label("Moment", exact=True)
    _, last = where(page)
    slider.focus()
    slider.press("ArrowLeft")
    slider.press("ArrowLeft")
    expect(page.locator(".where")).to_have_text(f"Entry {last - 2} of {last}")
    page.wait_for_url("**at=*")
    entry = int(page.url.rpartition("at=")[2])
    told = house.call("POST", "/missions/checkout/replay", {"until": entry})
    assert told["entries"] == last - 2
    expect(slider).to_have_attribute("aria-valuetext", page.locator("#moment").get_attribute("aria-valuetext") or "")
    assert f"Entry {last - 2} of {last}, " in (slider.get_attribute("aria-valuetext") or "")


def test_the_first_entry_shows_a_board_without_tasks(page: Page) -> None:
    slider = page.get_by_label("Moment", exact=True)
    slider.focus()
    slider.press("Home")
    expect(page.locator(".where")).to_contain_text(FIRST)
    expect(page.locator(".task-card")).to_have_count(0)
    expect(page.locator(".replay-moment .event")).to_contain_text("created")
    page.get_by_role("link", name="On one").click()
    expect(page.locator(".where")).to_contain_text("Entry 2 of")


def test_the_board_of_a_moment_is_the_board_that_replay_tells(page: Page, house: House) -> None:
    slider = page.get_by_label("Moment", exact=True)
    slider.fill("60")
    expect(page.locator(".where")).to_contain_text("Entry 60 of")
    page.wait_for_url("**at=*")
    told = house.call("POST", "/missions/checkout/replay", {"until": int(page.url.rpartition("at=")[2])})["state"]
    counts: dict[str, int] = {}
    for task in told["tasks"].values():
        counts[task["status"]] = counts.get(task["status"], 0) + 1
    for column, status in (("Pending", "pending"), ("In progress", "in_progress"), ("Completed", "completed")):
        expect(page.get_by_role("region", name=column, exact=True).locator(".count")).to_have_text(
            str(counts.get(status, 0))
        )


def test_a_moment_that_is_played_comes_to_its_end(page: Page) -> None:
    _, last = where(page)
    page.get_by_label("Moment", exact=True).fill(str(last - 3))
    expect(page.locator(".where")).to_contain_text(f"Entry {last - 3} of")
    page.get_by_role("button", name="Play").click()
    expect(page.locator(".where")).to_contain_text(f"Entry {last} of")
    expect(page.get_by_role("button", name="Play")).to_have_attribute("aria-pressed", "false")


def test_two_moments_are_compared_in_words(operator: Visitor) -> None:
    page = operator.open("/missions/checkout?tab=replay&seq=20")
    page.get_by_role("link", name="Compare from here").click()
    expect(page.get_by_role("heading", name="What came between")).to_be_visible()
    expect(page.get_by_text("Nothing of the mission changed")).to_be_visible()
    slider = page.get_by_label("Moment", exact=True)
    slider.focus()
    slider.press("End")
    between = page.get_by_role("region", name="What came between")
    expect(between).to_contain_text("more: $")
    expect(between).to_contain_text("joined as contributor")
    expect(between).to_contain_text("added")
    page.wait_for_url("**&with=*")
    page.reload()
    expect(page.get_by_role("region", name="What came between")).to_contain_text("joined as contributor")
    page.get_by_role("link", name="Stop comparing").click()
    expect(page.get_by_role("heading", name="What came between")).to_have_count(0)
    assert operator.errors == []


IN_SIGHT = """(mark) => {
  const line = document.querySelector(`[data-mark="${mark}"] line`), frame = line.closest(".scroll");
  const at = line.getBoundingClientRect().left, box = frame.getBoundingClientRect();
  return at >= box.left && at <= box.right;
}"""
"""Whether a line of the chart stands inside the part that is scrolled into view."""


def test_on_a_phone_the_line_of_the_moment_stays_in_sight(operator: Visitor) -> None:
    page = operator.open("/missions")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{operator.address}/missions/checkout?tab=replay&with_seq=60")
    page.wait_for_function(IN_SIGHT, arg=0)
    for label, mark in (("Moment", 0), ("Compared with", 1)):
        slider = page.get_by_label(label, exact=True)
        for key in ("Home", "End"):
            slider.focus()
            slider.press(key)
            expect(slider).to_have_value("1" if key == "Home" else slider.get_attribute("max") or "")
            page.wait_for_function(IN_SIGHT, arg=mark)
    assert operator.errors == []


def test_two_moments_look_different_and_have_the_names_of_their_sliders(operator: Visitor) -> None:
    page = operator.open("/missions/checkout?tab=replay&seq=20&with_seq=60")
    names = [page.locator(f"[data-mark='{mark}'] text").inner_html() for mark in (0, 1)]
    assert names == ["Moment", "Compared with"]
    dashes = [
        page.locator(f"[data-mark='{mark}'] line").evaluate("line => getComputedStyle(line).strokeDasharray")
        for mark in (0, 1)
    ]
    assert (dashes[0], dashes[1]) == ("none", "5px, 4px")
    assert page.get_by_label("Compared with", exact=True).get_attribute("class") == "dashed"


def test_without_a_script_the_form_chooses_the_moment(browser_without_scripts: Page) -> None:
    page = browser_without_scripts
    page.get_by_role("link", name="Back one").click()
    expect(page.locator(".where")).to_contain_text("of")
    page.get_by_role("button", name="Show").click()
    assert "seq=" in page.url


@pytest.fixture
def browser_without_scripts(house: House, operator: Visitor) -> Iterator[Page]:
    browser = operator.context.browser
    assert browser
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies([{**each, "url": house.address} for each in _plain(operator)])  # type: ignore[typeddict-item]
    page = context.new_page()
    page.goto(f"{house.address}/missions/checkout?tab=replay")
    yield page
    context.close()


def _plain(visitor: Visitor) -> list[dict[str, str]]:
    return [{"name": each["name"], "value": each["value"]} for each in visitor.context.cookies()]


def test_every_mission_of_the_company_equals_its_trace(house: House) -> None:
    for mission in house.call("GET", "/missions?page_size=500")["results"]:
        told = house.call("POST", f"/missions/{mission['mission_id']}/replay", {})
        assert told["differences"] == [], mission["mission_id"]
