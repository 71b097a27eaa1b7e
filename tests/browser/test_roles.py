"""A viewer sees everything and can change nothing."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import House, Visitor

pytestmark = pytest.mark.xdist_group("browser")

POST = """async (url) => {
  const token = document.cookie.split("; ").find((each) => each.startsWith("coordinator_csrf=")).slice(17);
  const headers = { "X-CSRFToken": token };
  const answer = await fetch(url, { method: "POST", headers, credentials: "same-origin", body: "{}" });
  return [answer.status, (await answer.json()).detail];
}"""


@pytest.mark.parametrize("path", ["/", "/approvals", "/missions", "/missions/checkout", "/policies/no-force-push"])
def test_a_viewer_sees_no_button_that_would_refuse(viewer: Visitor, path: str) -> None:
    page = viewer.open(path)
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
    expect(page.locator("[data-act]")).to_have_count(0)
    expect(page.locator("a[href*='/add/'], a[href*='/change/']")).to_have_count(0)


def test_a_viewer_who_posts_all_the_same_is_refused(viewer: Visitor, house: House) -> None:
    task = house.in_review()
    page = viewer.open("/")
    for url in (f"/tasks/{task}/do/approve", "/missions/checkout/do/pause", "/advisories/1/do/acknowledge"):
        assert page.evaluate(POST, url) == [403, "Your role may look at this, not decide it."]
    assert house.call("GET", f"/tasks/{task}")["status"] == "pending_review"


def test_somebody_signed_out_is_asked_to_sign_in(browser: Browser, house: House) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{house.address}/missions?status=active")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "next=/missions%3Fstatus%3Dactive" in page.url
    context.close()
