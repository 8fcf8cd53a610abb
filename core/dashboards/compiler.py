"""Turn a dashboard's file into its tiles, or say what is wrong in it, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.dashboards.definition import NEEDS, NUMBERS, TAKES, Alarm, Dashboard, Tile
from core.definitions.registry import register_compiler
from core.definitions.types import Content, DefinitionSource, Reference
from core.lib.errors import FieldError, Invalid
from core.lib.text import msg
from core.scoring.definition import split_key

_EVERY = frozenset({"key", "title", "kind", "width", "period"})


def compile_dashboard(content: Content) -> Dashboard:
    """Compile a dashboard; raises Invalid with the path of every wrong field."""
    errors = [error for index, raw in enumerate(content["tiles"]) for error in _wrong(f"tiles[{index}]", raw)]
    seen: set[str] = set()
    for index, raw in enumerate(content["tiles"]):
        if raw["key"] in seen:
            errors.append(FieldError(f"tiles[{index}].key", msg("dashboards.key_twice", name=raw["key"])))
        seen.add(raw["key"])
    if errors:
        raise Invalid.many(errors)
    period = content.get("period", "month")
    return Dashboard(content["key"], content["title"], tuple(_tile(raw, period) for raw in content["tiles"]), content.get("right"))


def _wrong(path: str, raw: Mapping[str, Any]) -> Iterator[FieldError]:
    kind = raw["kind"]
    for name in sorted(NEEDS[kind] - raw.keys()):
        yield FieldError(path, msg("dashboards.tile_needs", kind=kind, name=name))
    for name in sorted(raw.keys() - _EVERY - TAKES[kind]):
        yield FieldError(f"{path}.{name}", msg("dashboards.tile_without", kind=kind, name=name))
    if kind == "ranking":
        yield from _wrong_ranking(path, raw)


def _wrong_ranking(path: str, raw: Mapping[str, Any]) -> Iterator[FieldError]:
    if ("indicator" in raw) == ("scorecard" in raw):
        yield FieldError(path, msg("dashboards.indicator_or_scorecard"))
    elif "indicator" in raw and "by" not in raw:
        yield FieldError(path, msg("dashboards.tile_needs", kind="ranking", name="by"))
    elif "scorecard" in raw and "by" in raw:
        yield FieldError(f"{path}.by", msg("dashboards.by_of_indicator"))
    elif "indicator" in raw and ("level" in raw) != (raw["by"] == "grid"):
        yield FieldError(path, msg("dashboards.level_of_grids"))


def _tile(raw: Mapping[str, Any], period: str) -> Tile:
    alarm = raw.get("alarm")
    plain = {
        name: raw[name] for name in ("title", "width", "indicator", "scorecard", "level", "by", "most", "step", "compare") if name in raw
    }
    return Tile(
        key=raw["key"],
        kind=raw["kind"],
        period=raw.get("period", period),
        series=tuple(raw.get("series", ())),
        alarm=None if alarm is None else Alarm(alarm.get("above"), alarm.get("below")),
        **plain,
    )


def _references(content: Content) -> Iterator[Reference]:
    for path, key in _indicators(content):
        yield Reference(path, "indicator", split_key(key)[0])
    for index, raw in enumerate(content["tiles"]):
        if "scorecard" in raw:
            yield Reference(f"tiles[{index}].scorecard", "scorecard", raw["scorecard"])


def _indicators(content: Content) -> Iterator[tuple[str, str]]:
    for index, raw in enumerate(content["tiles"]):
        if "indicator" in raw:
            yield f"tiles[{index}].indicator", raw["indicator"]
        for number, key in enumerate(raw.get("series", ())):
            yield f"tiles[{index}].series[{number}]", key


def audit(content: Content, source: DefinitionSource) -> Iterator[FieldError]:
    """Name what the tiles ask of indicators and scorecards and do not get."""
    for path, key in _indicators(content):
        tile = content["tiles"][int(path[6 : path.index("]")])]
        file_key, name = split_key(key)
        file = source.find("indicator", file_key)
        if file is None or not isinstance(file.get("indicators"), Mapping):
            continue  # told as a missing reference, or where the other file stands
        known = file["indicators"]
        if name not in known:
            yield FieldError(path, msg("dashboards.unknown_indicator", name=name, file=file_key, known=", ".join(sorted(known))))
        elif known[name].get("of") not in NUMBERS[tile["kind"]]:
            yield FieldError(path, msg("dashboards.number_does_not_fit", kind=tile["kind"], of=known[name].get("of")))
    for index, raw in enumerate(content["tiles"]):
        card = source.find("scorecard", raw["scorecard"]) if "scorecard" in raw else None
        if card is not None and isinstance(card.get("subjects"), Mapping):
            yield from _wrong_level(f"tiles[{index}]", raw, card)


def _wrong_level(path: str, raw: Mapping[str, Any], card: Content) -> Iterator[FieldError]:
    levels = card["subjects"].get("levels", ())
    if levels and raw.get("level") not in levels:
        yield FieldError(path, msg("dashboards.level_of_card", name=card["key"], known=", ".join(levels)))
    elif not levels and "level" in raw:
        yield FieldError(f"{path}.level", msg("dashboards.card_without_levels", name=card["key"]))


register_compiler("dashboard", compile_dashboard, references=_references, audit=audit)
