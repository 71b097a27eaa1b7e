"""A real browser before a real server: Debian's Chromium, one web process and one database for this folder."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser import world
from tests.conftest import COPIES, _maintenance, _rest, address_of
from tests.factories import person, token_of
from tests.serving import serve

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--force-color-profile=srgb"]
WAIT_MS = 15_000


@dataclass(frozen=True)
class House:
    """The running product: its address, its database, a token for the API and the cookies of two people."""

    address: str
    database: str
    token: str
    cookies: dict[str, str]

    def call(self, verb: str, path: str, body: Any = None) -> Any:
        """One request to the API as an operator."""
        answer = requests.request(
            verb, f"{self.address}/api{path}", json=body, headers={"Authorization": f"Bearer {self.token}"}, timeout=10
        )
        answer.raise_for_status()
        return answer.json()

    def in_review(self) -> str:
        """The key of a task that waits for a review."""
        key: str = self.call("GET", "/tasks?status=pending_review&page_size=1")["results"][0]["task_id"]
        return key


@pytest.fixture(scope="package")
def populated(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """A database of its own with a company at work in it."""
    if not CHROMIUM.exists():
        pytest.skip(f"There is no browser at {CHROMIUM}: apt install chromium, or name one in CHROMIUM.")
    template = connection.settings_dict["NAME"]
    name = f"{template}_browser_{next(COPIES)}"
    with django_db_blocker.unblock():
        _rest()
        with _maintenance() as held:
            held.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        connection.settings_dict["NAME"] = name
        try:
            made = world.build(timezone.now())
            yield {
                "database": address_of(name),
                "token": token_of(person("operator")),
                "cookies": {each.role: cookie_of(each) for each in (made.operator, made.viewer)},
            }
        finally:
            _rest()
            connection.settings_dict["NAME"] = template
            with _maintenance() as held:
                held.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def cookie_of(user: Any) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture(scope="package")
def house(populated: dict[str, Any]) -> Iterator[House]:
    with serve(populated["database"]) as address:
        yield House(address, **populated)


@pytest.fixture(scope="package")
def browser(populated: dict[str, Any]) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        expect.set_options(timeout=WAIT_MS)
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield found
        found.close()


class Visitor:
    """A person at the browser, who notes every error that the console shows."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context, self.address = context, address
        self.errors: list[str] = []

    def open(self, path: str) -> Page:
        """The page in a tab of its own, live; it is marked, so that a reload would show."""
        page = self.context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda told: self.errors.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda failure: self.errors.append(str(failure)))
        page.goto(self.address + path)
        page.evaluate("window.notReloaded = true")
        return page


def visit(browser: Browser, house: House, role: str, address: str = "") -> Iterator[Visitor]:
    address = address or house.address
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": house.cookies[role], "url": address}])
    yield Visitor(context, address)
    context.close()


@pytest.fixture
def operator(browser: Browser, house: House) -> Iterator[Visitor]:
    yield from visit(browser, house, "operator")


@pytest.fixture
def viewer(browser: Browser, house: House) -> Iterator[Visitor]:
    yield from visit(browser, house, "viewer")
