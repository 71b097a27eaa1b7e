"""Who may open a page, what a page answers, and what a live refetch costs."""

from typing import Any

import pytest
from django.test import Client

from coordinator.dashboard import urls
from tests.dashboard.test_pages import ADDRESSES
from tests.factories import person, service

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("address", ["/", "/missions", "/trace", "/records", "/tasks/any"])
def test_nobody_sees_a_page_without_signing_in(client: Client, address: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/admin/login/")


def test_an_account_without_a_role_sees_no_page(client: Client) -> None:
    client.force_login(person(None))
    assert {client.get(address).status_code for address in ADDRESSES} <= {302, 403}


def test_a_service_account_that_got_a_session_reads_what_its_role_reads(client: Client) -> None:
    client.force_login(service())
    assert client.get("/missions").status_code == 200


def test_what_does_not_exist_is_a_page_that_says_so(client: Client) -> None:
    client.force_login(person("viewer"))
    for noun in ("missions", "tasks", "agents", "sprints", "policies", "requirements", "knowledge"):
        answer = client.get(f"/{noun}/no-such-key")
        assert answer.status_code == 404
        assert "There is nothing at this address" in answer.content.decode()


def test_a_page_is_read_and_never_posted_to(client: Client) -> None:
    client.force_login(person("operator"))
    assert client.post("/missions").status_code == 405


def test_the_admin_begins_at_the_overview(client: Client) -> None:
    client.force_login(person("operator"))
    assert client.get("/admin/")["Location"] == "/"


def test_users_are_listed_for_admins_only(client: Client) -> None:
    client.force_login(person("operator"))
    assert "/admin/accounts/user/" not in client.get("/").content.decode()
    client.force_login(person("admin"))
    assert "/admin/accounts/user/" in client.get("/").content.decode()


def test_small_files_are_served(client: Client) -> None:
    assert client.get("/robots.txt").content == b"User-agent: *\nDisallow: /\n"
    assert client.get("/favicon.ico")["Location"].endswith("favicon.svg")


def test_a_refetch_answers_only_the_regions_asked_for(client: Client) -> None:
    client.force_login(person("viewer"))
    text = client.get("/", headers={"X-Live": "feed="}).content.decode()
    assert text.count("data-live=") == 1
    assert "<html" not in text


def test_a_region_that_the_browser_has_already_is_not_sent_again(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    client.force_login(person("viewer"))
    token = client.get("/", headers={"X-Live": "agents="}).content.decode().split('data-token="')[1].split('"')[0]
    with django_assert_max_num_queries(4):
        text = client.get("/", headers={"X-Live": f"agents={token}"}).content.decode()
    assert "data-same" in text
    assert len(text) < 800


def test_a_second_viewer_of_the_same_role_costs_no_reading_anew(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    second = Client()
    for each in (client, second):
        each.force_login(person("viewer"))
    client.get("/")
    with django_assert_max_num_queries(5):
        assert second.get("/").status_code == 200


def test_live_answers_are_not_kept_by_the_browser(client: Client) -> None:
    client.force_login(person("viewer"))
    answer = client.get("/")
    assert (answer["Cache-Control"], answer["Vary"]) == ("no-store", "X-Live, Cookie")


def test_every_page_names_the_scope_that_opens_it() -> None:
    pages: list[Any] = [each for each in urls.urlpatterns if "/do/" not in str(each.pattern)]
    plain = {"records", "robots", "favicon"}
    assert {each.name for each in pages if not hasattr(each.callback, "scope")} == plain
