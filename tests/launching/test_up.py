"""`manage.py up`: everything in one command, and nothing left behind."""

import signal
import socket
import stat

import psutil
import pytest
import requests

from coordinator import embedded
from tests.launching.installation import Installation, Up, eventually, processes_of


def test_the_first_start_makes_everything_and_the_second_keeps_it(installation: Installation) -> None:
    first = installation.up()
    token = first.told("Token")
    assert first.ask("/readyz").json() == {"status": "ready", "faults": {}}
    assert first.ask("/api/missions", token).json() == {"results": [], "next": None, "previous": None}
    kept = installation.data / "admin.token"
    assert kept.read_text().strip() == token
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert first.told("Login") == "admin@localhost"
    assert len(first.told("Password")) >= 12
    assert first.stop() == 0
    assert processes_of(installation.data) == []

    second = installation.up()
    assert second.ask("/api/missions", token).status_code == 200
    assert not second.says("Password")
    healthy = installation.manage("doctor")
    assert healthy.returncode == 0, healthy.stdout
    assert second.stop(signal.SIGINT) == 0
    assert processes_of(installation.data) == []


def test_what_dies_is_started_again_and_a_killed_up_is_taken_over(installation: Installation) -> None:
    first = installation.up()
    web = next(each for each in psutil.Process(first.process.pid).children() if each.name().startswith("coord web"))
    web.kill()
    assert eventually(lambda: first.ask("/healthz").status_code == 200 and not web.is_running())

    first.process.kill()
    first.process.wait()

    def only_the_database_is_left() -> bool:
        return all("postgres" in each.name() for each in processes_of(installation.data))

    assert eventually(only_the_database_is_left)
    second = installation.up()
    assert second.ask("/readyz").status_code == 200
    assert second.stop() == 0
    assert processes_of(installation.data) == []


def test_who_has_signed_in_stays_signed_in_over_a_restart(installation: Installation) -> None:
    first = installation.up()
    browser = requests.Session()
    form = {"username": first.told("Login"), "password": first.told("Password")}
    signed_in(browser, first, form)
    assert browser.get(first.told("Address"), allow_redirects=False).status_code == 200
    assert first.stop() == 0
    second = installation.up()
    assert browser.get(second.told("Address"), allow_redirects=False).status_code == 200


def signed_in(browser: requests.Session, installed: Up, form: dict[str, str]) -> None:
    door = installed.told("Address") + "admin/login/"
    browser.get(door)
    csrf = {"csrfmiddlewaretoken": browser.cookies["coordinator_csrf"]}
    browser.post(door, {**form, **csrf}, headers={"Referer": door}).raise_for_status()


def test_a_database_that_is_killed_comes_back(installation: Installation) -> None:
    running = installation.up()
    server = embedded.Server(installation.data)
    backend = next(each for each in processes_of(installation.data) if each.name() == "postgres").children()[-1]
    backend.kill()
    assert eventually(lambda: running.ask("/readyz").status_code == 200)
    psutil.Process(int((server.files / "postmaster.pid").read_text().split()[0])).kill()
    assert eventually(lambda: server.alive() and running.ask("/readyz").status_code == 200)
    assert running.stop() == 0
    assert processes_of(installation.data) == []


def test_a_second_up_for_the_same_data_is_refused(installation: Installation) -> None:
    installation.up()
    refused = installation.manage("up", "--port", "0")
    assert refused.returncode != 0
    assert "Another `manage.py up` runs" in refused.stderr


def test_a_port_in_use_is_one_sentence_and_nothing_was_started(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = installation.manage("up", "--port", port)
    assert refused.returncode != 0
    assert refused.stderr.strip() == (
        f"CommandError: Port {port} of 127.0.0.1 is in use (Address already in use): stop what uses it, or choose "
        "another with PORT=8001."
    )
    assert processes_of(installation.data) == []


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"COORDINATOR_DATA": "/dev/null/data"}, "cannot be written (Not a directory): name another directory"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "start it, or correct DATABASE_URL."),
        ({"HOST": "no.such.host.invalid"}, "HOST takes an address of this machine"),
        ({"PORT": "abc"}, "PORT must be a whole number, not 'abc'."),
        ({"ADMIN_PASSWORD": "short"}, "ADMIN_PASSWORD is not fit: This password is too short."),
    ],
)
def test_a_fault_of_the_ground_is_one_sentence(
    installation: Installation, environment: dict[str, str], sentence: str
) -> None:
    installation.environment = environment
    refused = installation.manage("up", "--port", "0")
    assert refused.returncode != 0
    assert sentence in refused.stderr
    assert "Traceback" not in refused.stderr


def test_with_a_database_of_ones_own_the_bundled_one_is_never_started(
    installation: Installation, committed_db: str
) -> None:
    installation.environment = {"DATABASE_URL": committed_db}
    started = installation.up()
    assert started.ask("/readyz").status_code == 200
    assert embedded.version_of(installation.data) is None
    assert not any("postgres" in each.name() for each in processes_of(installation.data))
    assert started.stop() == 0


def test_a_database_of_another_major_version_is_not_touched(installation: Installation) -> None:
    files = installation.data / "postgres"
    files.mkdir(parents=True)
    (files / "PG_VERSION").write_text("14\n")
    refused = installation.manage("up", "--port", "0")
    assert "was made by PostgreSQL 14" in refused.stderr
    assert [each.name for each in files.iterdir()] == ["PG_VERSION"]


def test_the_bundled_database_lets_in_nobody_else(installation: Installation) -> None:
    server = embedded.Server(installation.data)
    server.start()
    assert (server.files / "pg_hba.conf").read_text() == "local all all peer map=coordinator\n"
    postmaster = next(each for each in processes_of(installation.data) if each.name() == "postgres")
    assert not [each for each in postmaster.net_connections() if each.status == psutil.CONN_LISTEN and each.laddr[1:]]
