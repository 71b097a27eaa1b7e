"""A page whose server went away says so, and catches up by itself when it is back."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests import serving
from tests.browser.conftest import House, visit
from tests.factories import unique

pytestmark = pytest.mark.xdist_group("browser")

PATIENCE_MS = 40_000
"""A process that starts and a page that tries again ever more seldom, on a busy machine."""


class Web:
    """A web process that can be stopped and started again at the same address."""

    def __init__(self, database: str) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.set_inheritable(True)
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.environment = {**os.environ, **serving.ENVIRONMENT, "DATABASE_URL": database}

    def start(self) -> None:
        number = self.listener.fileno()
        command = [sys.executable, "-m", "coordinator.web", str(number)]
        self.process = subprocess.Popen(command, env=self.environment, pass_fds=[number])

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def web(house: House) -> Iterator[Web]:
    found = Web(house.database)
    found.start()
    serving._wait_for(found.address, found.process)
    yield found
    found.stop()
    found.listener.close()


def test_a_page_catches_up_after_its_server_was_away(browser: Browser, house: House, web: Web) -> None:
    goal = unique("Written while nobody listened")
    for visitor in visit(browser, house, "operator", web.address):
        page = visitor.open("/missions")
        pill = page.locator("#live-state")
        expect(pill).to_have_attribute("data-state", "live")
        web.stop()
        expect(pill).to_contain_text("Not live")
        house.call("POST", "/missions", {"goal": goal})
        web.start()
        expect(pill).to_have_attribute("data-state", "live", timeout=PATIENCE_MS)
        expect(page.get_by_role("link", name=goal)).to_be_visible()
        assert page.evaluate("window.notReloaded === true")
