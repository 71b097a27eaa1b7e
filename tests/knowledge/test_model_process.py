"""One process holds the model; the others ask it. A real process on a real socket, killed for real."""

import json
import math
import signal
import socket
import stat
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from knowledge import jobs, search
from knowledge.checks import check_embedder
from knowledge.embedding import choosing, remote, server
from knowledge.embedding.base import EmbedderUnavailable
from knowledge.embedding.minilm import MOST_CHARACTERS, MiniLM
from knowledge.embedding.remote import RemoteMiniLM
from knowledge.models import Document, IndexState
from knowledge.search import Mode
from tests.knowledge.documents import known
from tests.knowledge.model_process import ModelProcess, model_process

LONG = "The agent reports what the task has cost and asks for the next one. " * 20
TEXTS = ["Which agent holds the lease?", "", "漢字 👩\u200d💻 \ud800\n\x00", LONG, "word " * MOST_CHARACTERS]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelProcess]:
    """One process for the tests that leave it as it is."""
    with model_process(tmp_path_factory.mktemp("m")) as made:
        made.start()
        yield made


@pytest.fixture
def own(tmp_path: Path) -> Iterator[ModelProcess]:
    """A process for this test to kill; it is not started yet."""
    with model_process(tmp_path) as made:
        yield made


def test_the_model_is_loaded_at_the_first_text_and_not_before(own: ModelProcess) -> None:
    own.start()
    with own.client() as client:
        client.send(b"{}\n")
        assert "error" in client.hear()
    assert "onnxruntime" not in own.libraries()
    RemoteMiniLM(own.path).embed_query("a text")
    assert "onnxruntime" in own.libraries()
    assert "django" not in own.libraries()


def test_the_vectors_are_those_that_this_process_would_make(shared: ModelProcess) -> None:
    there, here = RemoteMiniLM(shared.path), MiniLM()
    assert there.identity == here.identity
    assert there.embed_documents(TEXTS) == here.embed_documents(TEXTS)
    assert there.embed_query(LONG) == here.embed_query(LONG)
    assert there.embed_documents([]) == []


def test_a_question_does_not_wait_for_another_s_document(shared: ModelProcess) -> None:
    many = 24
    with shared.client() as greedy, shared.client() as asking:
        for _ in range(many):
            greedy.ask(LONG)
        greedy.hear()
        heard_before: list[dict[str, Any]] = []
        counting = threading.Thread(target=lambda: heard_before.extend(iter(greedy.hear, {})), daemon=True)
        counting.start()
        for _ in range(2):
            asking.ask("Who holds the lease?")
        assert all(len(asking.hear()["vector"]) == 384 for _ in range(2))
        assert len(heard_before) < many - 4  # In the order of arrival it would be all of them.
        greedy.connection.shutdown(socket.SHUT_WR)
        counting.join(60)
        assert len(heard_before) == many - 1


@pytest.mark.parametrize(
    "garbage",
    [b"no json\n", b"\xff\xfe\n", b"[1]\n", b'{"text": 5}\n', b"[" * 100_000 + b"\n", b"x" * (server.LONGEST_LINE + 9)],
)
def test_garbage_is_told_so_and_harms_nobody_else(shared: ModelProcess, garbage: bytes) -> None:
    with shared.client() as client:
        client.send(garbage)
        assert "JSON object" in client.hear()["error"]
        assert client.hear() == {}
    assert math.isclose(sum(number**2 for number in RemoteMiniLM(shared.path).embed_query("x")), 1, abs_tol=1e-5)


def test_a_client_that_leaves_in_the_middle_harms_nobody_else(shared: ModelProcess) -> None:
    for parting in (json.dumps({"text": LONG}).encode() + b"\n", b'{"text": "half a li', b""):
        with shared.client() as client:
            client.send(parting)
    assert len(RemoteMiniLM(shared.path).embed_query("x")) == 384


def test_the_socket_is_for_its_user_alone_and_one_left_behind_is_replaced(own: ModelProcess) -> None:
    assert stat.S_IMODE(own.path.stat().st_mode) == 0o600
    again = server.listen(own.path)
    again.close()


def test_sigterm_ends_it_at_once(own: ModelProcess) -> None:
    process = own.start()
    RemoteMiniLM(own.path).embed_query("x")
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == -signal.SIGTERM


def test_a_model_that_is_missing_is_told_to_who_asks(own: ModelProcess) -> None:
    own.start("--model", "/nowhere/model.onnx")
    with pytest.raises(EmbedderUnavailable, match="no model file"):
        RemoteMiniLM(own.path).embed_query("x")


def test_nobody_at_the_socket_means_unavailable_at_once(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.sock", tmp_path / ("deep" * 60)):
        with pytest.raises(EmbedderUnavailable):
            RemoteMiniLM(path).embed_documents(["x"])


def test_a_silent_process_is_waited_for_once_and_then_left_alone_for_a_while(
    own: ModelProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "QUERY_TIMEOUT_S", 0.2)
    asking = RemoteMiniLM(own.path)
    with pytest.raises(EmbedderUnavailable, match=r"within 0\.2 s"):
        asking.embed_query("x")
    began = time.monotonic()
    with pytest.raises(EmbedderUnavailable, match="a moment ago"):
        asking.embed_query("x")
    assert time.monotonic() - began < 0.1


def test_the_settings_choose_between_this_process_and_that_one(settings: Settings, shared: ModelProcess) -> None:
    assert isinstance(choosing.wanted(), MiniLM)
    settings.KNOWLEDGE_EMBEDDING_SOCKET = str(shared.path)
    assert isinstance(choosing.wanted(), RemoteMiniLM)
    assert choosing.serving(MiniLM.identity) is choosing.wanted()
    settings.KNOWLEDGE_EMBEDDING_PROVIDER = "none"
    assert isinstance(choosing.serving(MiniLM.identity), RemoteMiniLM)
    settings.KNOWLEDGE_EMBEDDING_PROVIDER = "minilm"
    settings.KNOWLEDGE_EMBEDDING_MODEL_PATH = "/only/the/other/process/has/it"
    assert check_embedder(None) == []


@pytest.mark.django_db
def test_killed_in_the_middle_it_is_done_without_and_healed_when_it_is_back(
    own: ModelProcess, settings: Settings
) -> None:
    settings.KNOWLEDGE_EMBEDDING_SOCKET = str(own.path)
    process = own.start()
    known("Bake the sourdough until its crust is golden.", title="Kitchen")
    killer = threading.Thread(target=_kill_while_it_works, args=(own, process.pid))
    killer.start()
    long = known("\n\n".join(f"# Part {number}\n\n{LONG}" for number in range(8)), title="Long")
    killer.join()
    assert long.index_state == IndexState.FAILED

    own.listener.close()
    answer = search.answer("crust", mode=Mode.SEMANTIC)
    assert (answer.degraded, [hit.document.title for hit in answer.hits]) == (True, ["Kitchen"])

    own.listener = server.listen(own.path)
    own.start()
    assert not search.answer("crust", mode=Mode.SEMANTIC).degraded
    Document.objects.update(updated_at=timezone.now() - timedelta(hours=1))
    assert jobs.embed_waiting() == 1
    assert Document.objects.get(pk=long.pk).index_state == IndexState.READY


def _kill_while_it_works(own: ModelProcess, pid: int) -> None:
    """Kills the process when its model is at work: when it has used more of a core than one text takes."""
    begun = _cpu_ticks(pid)
    while _cpu_ticks(pid) < begun + 15:
        time.sleep(0.01)
    own.kill()


def _cpu_ticks(pid: int) -> int:
    """Hundredths of a second that the process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
