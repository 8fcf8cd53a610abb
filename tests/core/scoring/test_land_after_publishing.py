"""The land and the organisation go on changing: what was published keeps its places, its lists and its proof."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from core.scoring.models import Publication
from core.scoring.service.verifying import Proof, verify
from tests.core.scoring.stage import AREA, DEPARTMENT, Stage
from tests.core.scoring.test_verifying import tampered
from tests.journeys.test_land_changes import merge
from tests.journeys.town import Town

FIRST, SECOND, GRID = "310105001001", "310105001002", "31010500100101"
MOVE = """
UPDATE grid SET path = above.path || subpath(grid.path, nlevel(moved.path) - 1)
FROM grid AS moved, grid AS above WHERE moved.code = :moved AND above.code = :under AND grid.path <@ moved.path
"""


@pytest.fixture(scope="module")
def stage(town: Town) -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch:
        yield Stage(town, patch)
    town.tokens.clear()


@pytest.fixture(scope="module")
def published(stage: Stage) -> dict[str, Any]:
    """Both cards published; then the community with the cases is merged with its neighbour, and a grid of it comes under another path."""
    uuids = {key: one["uuid"] for key, one in stage.publish().items()}
    before = stage.results(uuids[AREA])
    merge(stage.town, [FIRST, SECOND])
    # Where codes do not begin with those above them, a merge takes the grids below over as they are: only their paths change.
    with stage.town.database.owner_engine.begin() as connection:
        connection.execute(text(MOVE), {"moved": GRID, "under": SECOND})
        connection.execute(text("UPDATE configuration_epoch SET value = value + 1"))
    return {"uuids": uuids, "before": before}


def proof(stage: Stage, uuid: str) -> Proof:
    with stage.town.work() as (session, actor):
        return verify(session, actor, session.scalars(select(Publication).where(Publication.uuid == UUID(uuid))).one())


def test_rows_keep_their_places(stage: Stage, published: dict[str, Any]) -> None:
    uuid = published["uuids"][AREA]
    assert stage.results(uuid) == published["before"]
    found = stage.get(f"/publications/{uuid}/results", below=f"grid:{FIRST}")
    assert found["total"] > 0
    assert {row["subject"]["parent"] for row in found["items"]} == {f"grid:{FIRST}"}


def test_lists_still_add_up_to_the_published_numbers(stage: Stage, published: dict[str, Any]) -> None:
    uuid, opened = published["uuids"][AREA], 0
    for key, row in published["before"].items():
        for cell in [*row["cells"], *row["also"]]:
            for part in ("counted", "base"):
                if cell[part]:
                    page = stage.get(f"/publications/{uuid}/facts", subject=key, line=cell["key"], part=part)
                    assert page["total"] == cell[part], (key, cell["key"], part)
                    opened += 1
    assert opened > 20
    assert published["before"][f"grid:{FIRST}"]["cells"][1]["base"] == 2


def test_proof_holds_and_still_finds_a_changed_number(stage: Stage, published: dict[str, Any]) -> None:
    uuid = published["uuids"][AREA]
    found = proof(stage, uuid)
    assert (list(found.faults), found.is_recounted) == ([], False)
    change = "also = replace(also::text, '\"base\": 2', '\"base\": 3')::jsonb"
    with tampered(stage, "publication_result", change, f"subject = 'grid:{FIRST}'"):
        assert f"grid:{FIRST}" in {fault.what for fault in proof(stage, uuid).faults}
    untouched = proof(stage, published["uuids"][DEPARTMENT])
    assert (list(untouched.faults), untouched.is_recounted) == ([], True)
