"""Hosts of mission processes as rows: each incarnation has a lease on the database's clock and a certificate of life.

The certificate is an advisory lock that the database takes back when the process or its network dies, so that a dead
host is known at once; the lease is for one that is frozen. Who declares a host dead frees its missions with the same
statement, and from then on nothing that carries its id in the WHERE clause is written any more.
"""

from typing import Any, NamedTuple

import psycopg
from django.db import connection

LEASE_S = 5.0
CERTIFICATE = "hashtextextended('missions.host:' || {id}, 0)"

REGISTER = """
INSERT INTO missions_missionhost
    (machine, pid, version, state, started_at, beat_at, lease_until, missions, applied, lag_ms)
VALUES (%(machine)s, %(pid)s, %(version)s, 'alive', clock_timestamp(), clock_timestamp(),
    clock_timestamp() + make_interval(secs => %(lease)s), 0, 0, 0)
RETURNING id
"""
RENEW = """
UPDATE missions_missionhost SET beat_at = clock_timestamp(),
    lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
    missions = %(missions)s, applied = %(applied)s, lag_ms = %(lag_ms)s
WHERE id = %(id)s AND state IN ('alive', 'draining')
"""
BURY = f"""
WITH gone AS (
    UPDATE missions_missionhost SET state = 'dead', ended_at = clock_timestamp() WHERE id IN (
        SELECT id FROM missions_missionhost WHERE state IN ('alive', 'draining') AND id <> %(me)s
            AND (lease_until < clock_timestamp() OR pg_try_advisory_xact_lock({CERTIFICATE.format(id="id")}))
        FOR UPDATE SKIP LOCKED
    ) RETURNING id
), freed AS (
    UPDATE missions_missionprocess AS process SET owner_id = NULL, host = '' FROM (
        SELECT mission_id FROM missions_missionprocess WHERE owner_id IN (
            SELECT id FROM gone UNION SELECT id FROM missions_missionhost WHERE state IN ('dead', 'left')
                AND EXISTS (SELECT FROM missions_missionprocess AS held WHERE held.owner_id = missions_missionhost.id)
        ) ORDER BY mission_id FOR UPDATE
    ) AS held WHERE process.mission_id = held.mission_id RETURNING process.mission_id
)
SELECT (SELECT coalesce(array_agg(id), '{{}}') FROM gone), (SELECT count(*) FROM freed)
"""
CUT_OFF = f"""
SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND objsubid = 1 AND pid <> pg_backend_pid() AND usename = current_user
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (classid::bigint << 32 | objid::bigint) IN (
        SELECT {CERTIFICATE.format(id="id")} FROM unnest(%(gone)s::bigint[]) AS id
    )
"""
LEAVE = """
WITH freed AS (
    UPDATE missions_missionprocess AS process SET owner_id = NULL, host = '' FROM (
        SELECT mission_id FROM missions_missionprocess WHERE owner_id = %(id)s ORDER BY mission_id FOR UPDATE
    ) AS held WHERE process.mission_id = held.mission_id RETURNING process.mission_id
), left_now AS (
    UPDATE missions_missionhost SET state = 'left', ended_at = clock_timestamp(), missions = 0
    WHERE id = %(id)s AND state IN ('alive', 'draining') RETURNING id
)
SELECT (SELECT count(*) FROM freed)
"""
SHARE = """
SELECT (SELECT count(*) FROM missions_missionhost WHERE state = 'alive'),
    (SELECT count(*) FROM missions_missionprocess WHERE wanted AND state IN ('starting', 'running', 'crashed'))
"""


class Dead(NamedTuple):
    """The hosts that were declared dead, and how many missions are free because of it."""

    hosts: list[int]
    freed: int


class Share(NamedTuple):
    """How many hosts are alive, and how many missions they have to hold between them."""

    hosts: int
    missions: int

    @property
    def fair(self) -> int:
        """The most that one host takes."""
        return -(-self.missions // max(self.hosts, 1))


def register(held: psycopg.Connection, *, machine: str, pid: int, version: str) -> int:
    """Makes a new incarnation whose certificate `held` holds for as long as it is open; answers its id."""
    with held.transaction():
        asked = {"machine": machine[:200], "pid": pid, "version": version[:64], "lease": LEASE_S}
        row = held.execute(REGISTER, asked).fetchone()
        assert row is not None
        held.execute(f"SELECT pg_advisory_lock({CERTIFICATE.format(id='%s::bigint')})", [row[0]])
    return int(row[0])


def renew(host: int, *, missions: int, applied: int, lag_ms: float) -> bool:
    """Moves the lease's end and says what the host does; False: it was declared dead, and holds nothing any more."""
    asked = {"id": host, "lease": LEASE_S, "missions": missions, "applied": applied, "lag_ms": lag_ms}
    with connection.cursor() as cursor:
        cursor.execute(RENEW, asked)
        return bool(cursor.rowcount)


def bury_dead(*, me: int = 0) -> Dead:
    """Declares every other host dead whose certificate is free or whose lease has run out, and frees its missions.

    One that is frozen loses its connection, and with it the lead: others do the chores while it stands still.
    """
    hosts, freed = _row(BURY, {"me": me})
    dead = Dead([int(each) for each in hosts], int(freed))
    if dead.hosts:
        _row(CUT_OFF, {"gone": dead.hosts})
    return dead


def leave(host: int) -> int:
    """Gives everything back in good order; answers how many missions."""
    return int(_row(LEAVE, {"id": host})[0])


def share() -> Share:
    hosts, missions = _row(SHARE, {})
    return Share(int(hosts), int(missions))


def _row(statement: str, asked: dict[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return cursor.fetchone()
