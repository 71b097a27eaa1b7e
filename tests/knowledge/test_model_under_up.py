"""`up` runs one process that holds the model, and starts it again when it dies."""

import psutil
import requests

from tests.launching.conftest import installation as installation
from tests.launching.installation import Installation, Up, eventually, processes_of

TEXT = "A claim is a lease: when nobody renews it, the task goes back."


def post(up: Up, path: str, body: dict[str, str]) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {up.told('Token')}"}
    answer = requests.post(f"{up.told('Address')}api/knowledge/{path}", json=body, headers=headers, timeout=30)
    answer.raise_for_status()
    return dict(answer.json())


def is_found_by_meaning(up: Up) -> bool:
    found = post(up, "search", {"query": "who gives up work that was taken", "mode": "semantic"})
    return bool(found["results"]) and not found["degraded"]


def with_model(installation: Installation) -> list[psutil.Process]:
    """The processes that have loaded the model's library."""
    return [each for each in processes_of(installation.data) if _has_loaded(each)]


def _has_loaded(process: psutil.Process) -> bool:
    try:
        return any("onnxruntime" in mapped.path for mapped in process.memory_maps())
    except psutil.Error:
        return False


def test_one_process_holds_the_model_and_another_takes_over_when_it_dies(installation: Installation) -> None:
    up = installation.up()
    assert with_model(installation) == []
    post(up, "documents", {"content": TEXT})
    assert eventually(lambda: is_found_by_meaning(up))
    (holder,) = with_model(installation)
    assert holder.name() == "coord embedding"

    holder.kill()
    assert eventually(lambda: is_found_by_meaning(up))
    (successor,) = with_model(installation)
    assert successor.pid != holder.pid
    assert up.stop() == 0
    assert processes_of(installation.data) == []
    assert not (installation.data / "embedding.sock").exists()
