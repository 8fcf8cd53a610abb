"""Grids and schemes over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from core.authz import require_anywhere
from core.grid import schemas, service
from core.grid.models import Grid
from core.grid.permissions import GridRight
from core.grid.service import ImportReport, Scheme, Wanted, succession
from core.grid.service.checking import written
from core.http.paging import decode_cursor, encode_cursor
from core.http.routes import Answer, Routes
from core.http.work import Work

routes = Routes("grids")


@routes.get("/grids", query=schemas.GridQuery, answers={200: schemas.GridPageSchema})
def list_grids(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List grids by code: of a level, below a grid, or found by code, name or pinyin."""
    wanted = Wanted(query["level"], query["below"], query["q"], query["retired"])
    return _page(work, query, lambda page: service.list_grids(work.session, work.actor, wanted, scheme=query["scheme"], **page))


@routes.get("/grids/locate", query=schemas.LocateQuery, answers={200: schemas.PlaceSchema})
def locate(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """Say which grid a position is in, and who is near when its border is."""
    require_anywhere(work.actor, GridRight.READ)
    scheme = service.scheme_of(work.session, work.actor, query["scheme"])
    place = service.locate(work.session, work.actor, scheme, query)
    near = [{"code": one.code, "path": one.path, "distance_m": one.distance_m} for one in place.neighbours]
    return {name: getattr(place, name) for name in ("located", "code", "path", "border_m", "lon", "lat")} | {"neighbours": near}


@routes.get("/grids.geojson", query=schemas.MapQuery, answers={200: "application/geo+json"})
def show_map(work: Work, query: dict[str, Any]) -> Answer:
    """Give the polygons of a level in a box, simpler the larger the box."""
    box = None
    if query["bbox"] is not None:
        west, south, east, north = (float(part) for part in query["bbox"].split(","))
        box = (west, south, east, north)
    body = service.geojson(work.session, work.actor, level=query["level"], box=box, scheme=query["scheme"])
    return Answer(body, content_type="application/geo+json")


@routes.post("/grids/split", body=schemas.SplitSchema, answers={201: schemas.GridListSchema}, errors=(409,), idempotent=True)
def split_grid(work: Work, body: dict[str, Any]) -> Answer:
    """Retire a grid in favour of parts that tile it exactly."""
    parts = service.read_parts(body["parts"])
    made = service.split(work.session, work.actor, body["code"], parts, reason=body["reason"], scheme=body["scheme"])
    return Answer({"items": [_write(work, grid) for grid in made]}, 201)


@routes.post("/grids/merge", body=schemas.MergeSchema, answers={201: schemas.GridSchema}, errors=(409,), idempotent=True)
def merge_grids(work: Work, body: dict[str, Any]) -> Answer:
    """Retire adjoining siblings in favour of one grid."""
    made = service.merge(work.session, work.actor, body.pop("codes"), **body)
    return Answer(_write(work, made), 201)


@routes.get("/grids/succession", answers={200: schemas.WaitingListSchema})
def show_succession(work: Work) -> dict[str, Any]:
    """Say how much still stands on retired grids: what is on its way to their heirs, and in the end what a person must place."""
    require_anywhere(work.actor, GridRight.READ)
    counts = succession.waiting(work.session, work.actor.now)
    return {"items": [{"kind": name, "waiting": count} for name, count in counts.items()]}


@routes.get("/grids/<code>", query=schemas.SchemeQuery, answers={200: schemas.GridDetailSchema})
def show_grid(work: Work, code: str, query: dict[str, Any]) -> dict[str, Any]:
    """Show a grid with its land and its history, a retired one too."""
    require_anywhere(work.actor, GridRight.READ)
    grid = service.get(work.session, work.actor, code, scheme=query["scheme"], retired=True)
    history = [
        {"code": one.code, "is_successor": one.is_successor, "kind": one.kind, "at": one.at, "reason": one.reason}
        for one in service.successions_of(work.session, grid)
    ]
    return _write(work, grid) | {"polygon": grid.polygon, "attributes": grid.attributes, "history": history}


@routes.get("/grids/<code>/children", query=schemas.ChildrenQuery, answers={200: schemas.GridPageSchema})
def list_children(work: Work, code: str, query: dict[str, Any]) -> dict[str, Any]:
    """List the grids right below one, by code."""
    return _page(work, query, lambda page: service.children_of(work.session, work.actor, code, scheme=query["scheme"], **page))


@routes.get("/grid-schemes", answers={200: schemas.GridSchemeListSchema})
def list_schemes(work: Work) -> dict[str, Any]:
    """List the schemes that your agency owns or shares."""
    require_anywhere(work.actor, GridRight.READ)
    return {"items": [_write_scheme(work, scheme) for scheme in service.list_schemes(work.session, work.actor)]}


@routes.post("/grid-schemes", body=schemas.NewSchemeSchema, answers={201: schemas.GridSchemeSchema}, errors=(409,))
def create_scheme(work: Work, body: dict[str, Any]) -> Answer:
    """Make a scheme that your agency owns."""
    origin = (body.pop("origin_lon"), body.pop("origin_lat"))
    return Answer(_write_scheme(work, service.create_scheme(work.session, work.actor, origin=origin, **body)), 201)


@routes.get("/grid-schemes/<key>", answers={200: schemas.GridSchemeSchema})
def show_scheme(work: Work, key: str) -> dict[str, Any]:
    """Show a scheme and its levels."""
    require_anywhere(work.actor, GridRight.READ)
    return _write_scheme(work, service.scheme_of(work.session, work.actor, key))


@routes.put("/grid-schemes/<key>/shares/<agency>", answers={204: None})
def share_scheme(work: Work, key: str, agency: str) -> None:
    """Let another agency use a scheme of yours; this is not taken back."""
    service.share_scheme(work.session, work.actor, key, agency)


@routes.get("/grid-schemes/<key>/check", answers={200: schemas.CheckSchema})
def check_scheme(work: Work, key: str) -> dict[str, Any]:
    """Check a division: gaps, overlaps, orphans, what sticks out of its parent, and balance."""
    return {"items": [written(finding) for finding in service.check_division(work.session, work.actor, scheme=key)]}


@routes.post(
    "/grid-schemes/<key>/import", query=schemas.ImportQuery, body=schemas.FeatureCollectionSchema, answers={200: schemas.ImportReportSchema}
)
def import_geojson(work: Work, key: str, query: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Import grids from GeoJSON: all of them, or none and every fault."""
    report = service.import_geojson(work.session, work.actor, body, scheme=key, **query)
    return _write_report(work, report)


@routes.post(
    "/grid-schemes/<key>/import-divisions",
    query=schemas.DivisionsQuery,
    body=schemas.DivisionsSchema,
    answers={200: schemas.ImportReportSchema},
)
def import_divisions(work: Work, key: str, query: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Import a district with its streets and communities, without polygons."""
    return _write_report(work, service.import_divisions(work.session, work.actor, body, scheme=key, **query))


def _page(work: Work, query: dict[str, Any], read: Callable[[dict[str, Any]], Sequence[Grid]]) -> dict[str, Any]:
    mark = decode_cursor(query["after"], (str,))
    found = read({"limit": query["limit"], "after": mark[0] if mark else None})
    shown = found[: query["limit"]]
    return {"items": [_write(work, grid) for grid in shown], "next": encode_cursor(shown[-1].code) if len(found) > len(shown) else None}


def _write(work: Work, grid: Grid) -> dict[str, Any]:
    labels = grid.path.split(".")
    scheme = service.scheme_of(work.session, work.actor, labels[0])
    plain = ("uuid", "code", "name", "name_pinyin", "path", "area_m2", "lon", "lat", "valid_from", "valid_to", "retired_reason")
    return {name: getattr(grid, name) for name in plain} | {
        "scheme": scheme.key,
        "level": scheme.level_keys[grid.level_id],
        "parent": labels[-2] if len(labels) > 2 else None,
        "bbox": None if grid.west is None else [grid.west, grid.south, grid.east, grid.north],
    }


def _write_scheme(work: Work, scheme: Scheme) -> dict[str, Any]:
    return {
        "key": scheme.key,
        "title": scheme.title,
        "owned": scheme.owner_agency_id == work.actor.agency_id,
        "origin_lon": scheme.origin[0],
        "origin_lat": scheme.origin[1],
        "levels": [
            {"key": level.key, "title": level.title, "code_digits": level.code_digits, "code_within": level.code_within}
            for level in scheme.levels.values()
        ],
    }


def _write_report(work: Work, report: ImportReport) -> dict[str, Any]:
    problems = [
        {"path": path, "kind": problem.kind, "code": problem.code, "detail": problem.message.text(work.locale)}
        for path, problem in report.problems
    ]
    return {
        "dry_run": report.dry_run,
        "created": report.created,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "mended": report.mended,
        "problems": problems,
    }
