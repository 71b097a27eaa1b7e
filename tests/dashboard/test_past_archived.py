"""A mission whose entries stand in a file looks back as before, and says once that the file is away."""

from pathlib import Path
from typing import Any

from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from missions.lifecycle import MissionStatus
from missions.models import Mission
from missions.replaying import snapshots
from tests.factories import person
from tests.missions import world
from traceability import archiving
from traceability.events import SYSTEM
from traceability.models import Archive
from traceability.services import archiving as moving


def page(client: Client, mission: Mission) -> str:
    cache.clear()
    snapshots.SHELF.clear()
    answer = client.get(f"/missions/{mission.key}?tab=replay")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_file_of_entries_that_is_away_is_told_of_once(committed_db: str, tmp_path: Path, settings: Any) -> None:
    settings.ARCHIVE_DIR = tmp_path / "archive"
    mission, client = world.mission(MissionStatus.COMPLETED), Client()
    client.force_login(person("viewer"))
    assert list(moving.archive(f"mission:{mission.pk}", archiving.directory(), actor=SYSTEM, now=timezone.now()))
    assert "As it was" in page(client, mission)
    file = archiving.path_of(Archive.objects.get(stream=f"mission:{mission.pk}"))
    file.rename(tmp_path / "elsewhere")
    said = page(client, mission)
    assert (said.count("cannot be read"), "As it was" in said) == (1, False)
    (tmp_path / "elsewhere").rename(file)
    assert "As it was" in page(client, mission)
