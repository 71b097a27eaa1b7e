"""What a host keeps of its missions: standings for those who look, checkpoints to start from.

One statement each, for many missions at once. A host that is not the owner any more writes nothing, and what is older
than what is kept does not replace it. Nothing waits for the disk: what a fall of the database takes with it is written
again, from the ledger.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import orjson
from django.db import connection

MINE = """
WITH quick AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
), mine AS (
    SELECT mission_id FROM missions_missionprocess AS process, quick
    WHERE owner_id = %(me)s AND mission_id = ANY(%(missions)s) ORDER BY mission_id FOR SHARE OF process
)
"""
AHEAD = "kept.seq > (SELECT seq FROM traceability_streamhead WHERE stream = 'mission:' || kept.mission_id)"
"""What is kept tells of a history that was taken back: a dump was restored without it."""

STANDINGS = f"""
{MINE}
INSERT INTO missions_missionstanding AS kept (mission_id, seq, counts, figures, at)
SELECT given.mission_id, given.seq, given.counts::jsonb, given.figures::jsonb, clock_timestamp()
FROM unnest(%(missions)s::bigint[], %(seqs)s::bigint[], %(counts)s::text[], %(figures)s::text[])
    AS given(mission_id, seq, counts, figures) JOIN mine USING (mission_id)
ON CONFLICT (mission_id) DO UPDATE
    SET seq = excluded.seq, counts = excluded.counts, figures = excluded.figures, at = excluded.at
    WHERE kept.seq <= excluded.seq OR {AHEAD}
RETURNING mission_id
"""
CHECKPOINTS = f"""
{MINE}
INSERT INTO missions_missioncheckpoint AS kept (mission_id, seq, schema, state, at)
SELECT given.mission_id, given.seq, %(schema)s, given.state, clock_timestamp()
FROM unnest(%(missions)s::bigint[], %(seqs)s::bigint[], %(states)s::bytea[])
    AS given(mission_id, seq, state) JOIN mine USING (mission_id)
ON CONFLICT (mission_id) DO UPDATE
    SET seq = excluded.seq, schema = excluded.schema, state = excluded.state, at = excluded.at
    WHERE kept.seq <= excluded.seq OR kept.schema <> excluded.schema OR {AHEAD}
RETURNING mission_id
"""


class Shown(NamedTuple):
    """A mission's standing at an entry of its stream."""

    mission_id: int
    seq: int
    counts: dict[str, int]
    figures: dict[str, Any]


class Saved(NamedTuple):
    """A mission's packed state at an entry of its stream."""

    mission_id: int
    seq: int
    state: bytes


def show(owner: int, standings: Sequence[Shown]) -> set[int]:
    """Keeps standings; answers the missions for which this was ours to do."""
    return _keep(
        STANDINGS,
        owner,
        standings,
        counts=[orjson.dumps(each.counts).decode() for each in standings],
        figures=[orjson.dumps(each.figures).decode() for each in standings],
    )


def save(owner: int, checkpoints: Sequence[Saved], *, schema: int) -> set[int]:
    """Keeps checkpoints; answers the missions for which this was ours to do."""
    return _keep(CHECKPOINTS, owner, checkpoints, states=[each.state for each in checkpoints], schema=schema)


def _keep(statement: str, owner: int, rows: Collection[Shown] | Collection[Saved], **more: Any) -> set[int]:
    if not rows:
        return set()
    asked: dict[str, Any] = {
        "me": owner,
        "missions": [row.mission_id for row in rows],
        "seqs": [row.seq for row in rows],
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, {**asked, **more})
        return {mission_id for (mission_id,) in cursor.fetchall()}
