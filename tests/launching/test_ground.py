"""What an installation stands on, looked at without starting it."""

from pathlib import Path
from urllib.parse import quote

import pytest

from coordinator import embedded, environment
from coordinator.launching import ground
from coordinator.launching.ground import CannotStart


def test_an_outside_server_that_is_too_old_is_named(committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground, "OLDEST_SERVER", 990000)
    with pytest.raises(CannotStart, match=r"is PostgreSQL 18\.\d+: use 15 or later"):
        ground.check_outside(committed_db)


def test_an_outside_server_without_pgvector_is_named(committed_db: str) -> None:
    hidden = quote("-c extension_control_path=/nowhere", safe="")
    with pytest.raises(CannotStart, match="has no pgvector: install it there"):
        ground.check_outside(f"{committed_db}&options={hidden}")


def test_a_deep_data_directory_still_has_a_socket_that_fits(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-long-directory-name"] * 6)
    assert len(str(embedded.socket_directory(deep) / ".s.PGSQL.5432")) <= embedded.LONGEST_SOCKET_PATH


def test_a_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    environment.keep_secret(tmp_path)
    kept = tmp_path / "secret.key"
    before = kept.read_text()
    environment.keep_secret(tmp_path)
    assert kept.read_text() == before
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("port", [-1, 65536, 10**6])
def test_a_port_that_does_not_exist_is_named(port: int) -> None:
    with pytest.raises(CannotStart, match="PORT takes 0 to 65535"):
        ground.listen("127.0.0.1", port)
