"""Where the processes of an installation ask for vectors."""

import os
from pathlib import Path

import pytest
from django.conf import settings as given
from pytest_django import Settings

from coordinator.embedded import LONGEST_SOCKET_PATH
from coordinator.launching import embedding
from coordinator.launching.ground import CannotStart


def test_the_socket_lies_in_the_data_directory_as_long_as_it_is_needed(tmp_path: Path, settings: Settings) -> None:
    settings.KNOWLEDGE_EMBEDDING_SOCKET = ""
    with embedding.door(tmp_path) as door:
        assert Path(given.KNOWLEDGE_EMBEDDING_SOCKET) == tmp_path / "embedding.sock"
        assert [child.name for child in embedding.children(door)] == ["embedding"]
    assert list(tmp_path.iterdir()) == []


def test_a_data_directory_too_deep_for_a_socket_gets_one_elsewhere(tmp_path: Path, settings: Settings) -> None:
    settings.KNOWLEDGE_EMBEDDING_SOCKET = ""
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()
    with embedding.door(deep):
        path = Path(given.KNOWLEDGE_EMBEDDING_SOCKET)
        assert len(os.fsencode(path)) <= LONGEST_SOCKET_PATH
        assert path.parent.stat().st_mode & 0o077 == 0
    assert not path.parent.exists()


def test_a_process_that_the_settings_name_is_used_and_none_started(tmp_path: Path, settings: Settings) -> None:
    settings.KNOWLEDGE_EMBEDDING_SOCKET = "/run/model.sock"
    with embedding.door(tmp_path) as door:
        assert (door, embedding.children(door)) == (None, [])
    assert given.KNOWLEDGE_EMBEDDING_SOCKET == "/run/model.sock"


def test_where_no_socket_can_be_the_start_says_what_to_do(tmp_path: Path, settings: Settings) -> None:
    settings.KNOWLEDGE_EMBEDDING_SOCKET = ""
    with pytest.raises(CannotStart, match="COORDINATOR_DATA"), embedding.door(tmp_path / "absent"):
        raise AssertionError("no socket can be there")
