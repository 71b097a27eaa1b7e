"""What the trace page says of the record: whole, changed and where, or not to be checked."""

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tests.factories import person
from tests.missions import world
from tests.traceability.force import by_force
from traceability import checkpoints
from traceability.services import checkpointing

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_history]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> None:
    """Checkpoints of this test alone, and nothing remembered."""
    settings.CHECKPOINT_DIR, settings.CHECKPOINT_KEY_FILE = tmp_path / "checkpoints", tmp_path / "checkpoint.key"
    cache.clear()


def page() -> str:
    client = Client()
    client.force_login(person("viewer"))
    answer = client.get("/trace?verify=1")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_an_untouched_record_is_said_to_be_whole_and_against_what_it_was_checked() -> None:
    world.mission()
    checkpointing.take(checkpoints.here(), checkpoints.keyring(), now=timezone.now())
    said = page()
    assert "The record is whole." in said
    assert "against 1 signed checkpoint;" in said
    assert "Checkpoint 1 was signed" in said


def test_without_checkpoints_the_page_says_so() -> None:
    world.mission()
    assert "There are no checkpoints here to compare with." in page()


def test_a_changed_record_is_told_in_words_with_its_place() -> None:
    mission = world.mission()
    checkpointing.take(checkpoints.here(), checkpoints.keyring(), now=timezone.now())
    by_force("UPDATE traceability_entry SET actor_name = 'eve' WHERE stream = %s AND seq = 2", f"mission:{mission.pk}")
    said = page()
    assert "The record was changed." in said
    assert f"Stream mission:{mission.pk}, entry 2: A column of this entry was changed." in said
    assert "Actor_name differs from the text" in said
