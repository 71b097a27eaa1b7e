"""Archives in the admin: which entries stand in which file, and where one is missing; nothing can be changed."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import person
from tests.traceability.conftest import new_mission, note, stream_of
from traceability.events import SYSTEM
from traceability.models import Archive
from traceability.services import archiving as moving

pytestmark = pytest.mark.breaks_history
LIST = "/admin/traceability/archive/"


@pytest.fixture
def auditor(committed_db: str, settings: Any, tmp_path: Path) -> Client:
    settings.ARCHIVE_DIR = tmp_path
    client = Client()
    client.force_login(person("admin"))
    return client


def archived(directory: Path) -> Archive:
    mission = new_mission()
    note(mission, "one")
    list(moving.archive(stream_of(mission), directory, actor=SYSTEM, now=timezone.now()))
    return Archive.objects.get(stream=stream_of(mission))


def test_the_list_shows_each_file_and_says_where_one_is_missing(
    auditor: Client, tmp_path: Path, django_assert_max_num_queries: Any
) -> None:
    here, away = archived(tmp_path), archived(tmp_path)
    (tmp_path / f"{away.stream.replace(':', '-')}-1-1.jsonl.gz").unlink()
    with django_assert_max_num_queries(9):
        page = auditor.get(LIST).content.decode()
    for row in (here, away):
        assert row.stream in page
        assert row.sha256[:16] in page
    assert page.count("the file is not here") == 1
    assert auditor.get(LIST, {"q": here.stream}).content.decode().count("the file is not here") == 0
    shown = auditor.get(f"{LIST}{here.pk}/change/").content.decode()
    assert bytes(here.hash).hex() in shown
    assert here.sha256 in shown


def test_an_archive_is_not_changed_here(auditor: Client, tmp_path: Path) -> None:
    row = archived(tmp_path)
    assert auditor.post(f"{LIST}{row.pk}/change/", {"stream": "org"}).status_code == 403
    assert auditor.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert auditor.get(f"{LIST}add/").status_code == 403
