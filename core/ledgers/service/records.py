"""Adding, changing, retiring and restoring single records: permission, then form, then place, then the change and its history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from shapely.errors import ShapelyError
from shapely.geometry import shape
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core.accounts.masking import masked
from core.audit import service as audit
from core.authz import Actor, require
from core.forms import service as forms
from core.forms.types import Checked, joined
from core.grid.service import succession
from core.ledgers.codes import is_code
from core.ledgers.models import Record, RecordEvent
from core.ledgers.permissions import LedgerRight
from core.ledgers.service import serials
from core.ledgers.service.finding import visible
from core.ledgers.service.relations import relate
from core.ledgers.surroundings import DepartmentName, GridName, Surroundings, locate_many
from core.ledgers.titles import search_text
from core.ledgers.types import Draft, Geometry, Location, Place
from core.lib.crs import convert
from core.lib.errors import Conflict, FieldError, Invalid, NotFound, PreconditionFailed
from core.lib.ids import uuid7
from core.lib.text import msg

HIDDEN = "***"
"""What is shown of a personal value that is no text."""

_LOGGED = ("title", "state", "lon", "lat", "grid_id", "location", "polygon", "departments", "data")


def create_record(session: Session, actor: Actor, around: Surroundings, draft: Draft) -> Record:
    """Add a record; its code is the draft's, or the next one of the ledger's layout.

    Raises Invalid with every wrong field, Forbidden outside the actor's area,
    Conflict for a code in use.
    """
    checked = _checked(session, actor, around, draft.data)
    record = Record(agency_id=actor.agency_id, uuid=uuid7(), ledger_key=around.ledger.key, source_key=draft.source_key, version=1)
    _fill(around, record, draft, checked)
    _require_at(actor, around, record)
    record.code = _code(session, actor, around, record, draft)
    record.title = _title(around, record, draft.title)
    record.title_search = search_text(record.title)
    record.created_at = record.updated_at = actor.now
    record.created_by_id = record.updated_by_id = actor.user_id
    session.add(record)
    session.flush()
    relate(session, around, record)
    audit.record(session, actor, "ledgers:record:created", subject=_subject(record))
    return record


def update_record(session: Session, actor: Actor, around: Surroundings, code: str, changes: Mapping[str, Any], *, version: int) -> Record:
    """Change a record; what is not in ``changes`` stays.

    ``changes`` may hold title, state, position ``{lon, lat, crs?}`` (None takes it
    away), polygon, grid_code, departments and data; of the last two the keys
    given are replaced, and None takes one away. Raises PreconditionFailed for
    a stale version and Forbidden when the record would leave the actor's area.
    """
    record = _lock(session, actor, around, code, version)
    if record.retired_at is not None:
        raise Conflict(msg("ledgers.retired_unchangeable"))
    _require_at(actor, around, record)
    old = _values(record)
    draft = _overlaid(around, record, changes)
    checked = _checked(session, actor, around, draft.data)
    _fill(around, record, draft, checked)
    if record.grid_id is None and not changes.keys() & {"position", "polygon", "grid_code"}:
        # It waits on a retired grid for a person to place it; a change of something else does not take it from there.
        record.location, record.grid_id = old["location"], old["grid_id"]
    _require_at(actor, around, record)
    record.title = _title(around, record, draft.title)
    record.title_search = search_text(record.title)
    _note(session, actor, record, "changed", old)
    relate(session, around, record)
    return record


def retire_record(session: Session, actor: Actor, around: Surroundings, code: str, *, version: int, reason: str) -> Record:
    """Take a record out of use; it stays, with its code, and is left out of lists."""
    record = _lock(session, actor, around, code, version)
    _require_at(actor, around, record, LedgerRight.RETIRE)
    if record.retired_at is not None:
        raise Conflict(msg("ledgers.already_retired"))
    state = around.ledger.retired_state
    if state is None:
        raise Conflict(msg("ledgers.no_retired_state"))
    old = _values(record)
    record.state, record.retired_at = state, actor.now
    _note(session, actor, record, "retired", old, reason)
    return record


def restore_record(session: Session, actor: Actor, around: Surroundings, code: str, *, version: int, reason: str) -> Record:
    """Bring a retired record back into use."""
    record = _lock(session, actor, around, code, version)
    _require_at(actor, around, record, LedgerRight.RETIRE)
    if record.retired_at is None:
        raise Conflict(msg("ledgers.not_retired"))
    old = _values(record)
    record.state, record.retired_at = around.ledger.first_state, None
    _note(session, actor, record, "restored", old, reason)
    if succession.is_retired(session, record.grid_id):
        succession.follow_soon(session, actor)
    return record


def erase_personal_values(session: Session, actor: Actor, around: Surroundings, code: str, *, version: int, reason: str) -> Record:
    """Empty the personal values of a record, a retired one too; the record itself and its history stay."""
    record = _lock(session, actor, around, code, version)
    _require_at(actor, around, record, LedgerRight.ERASE_PERSONAL)
    empty_personal(session, actor, record, reason=reason)
    return record


def empty_personal(session: Session, actor: Actor, record: Record, *, reason: str | None = None) -> None:
    """Take the personal values from a locked record and note it; whoever calls has asked for the right."""
    old = _values(record)
    record.personal = None
    _note(session, actor, record, "erased", old, reason)


def mark_record(session: Session, actor: Actor, around: Surroundings, record_id: int, *, state: str, only_from: str, reason: str) -> bool:
    """Bring a record from one state of its ledger into another, and say whether it was in the first.

    A record that is retired or in any other state stays as it is: somebody knows more about it than the caller.
    Raises NotFound for a record of another ledger, and Invalid for a state that the ledger does not have.
    """
    record = session.get(Record, (actor.agency_id, record_id), with_for_update=True, populate_existing=True)
    if record is None or record.ledger_key != around.ledger.key:
        raise NotFound(msg("ledgers.unknown_record"))
    _require_at(actor, around, record)
    errors: list[FieldError] = []
    _state(around, state, errors)
    if errors:
        raise Invalid.many(errors)
    if record.retired_at is not None or record.state != only_from:
        return False
    old = _values(record)
    record.state = state
    _note(session, actor, record, "changed", old, reason)
    return True


def _lock(session: Session, actor: Actor, around: Surroundings, code: str, version: int) -> Record:
    found = session.execute(visible(actor, around).where(Record.code == code)).one_or_none()
    if found is None:
        raise NotFound(msg("ledgers.unknown_record"))
    record = session.get_one(Record, (actor.agency_id, found.id), with_for_update=True, populate_existing=True)
    if record.version != version:
        raise PreconditionFailed(msg("http.stale", current=record.version))
    return record


def _checked(session: Session, actor: Actor, around: Surroundings, data: Mapping[str, Any]) -> Checked:
    checked = forms.examine(session, actor, around.form, dict(data))
    if checked.errors:
        raise Invalid.many([FieldError(f"data.{error.path}" if error.path else "data", error.message) for error in checked.errors])
    return checked


def _fill(around: Surroundings, record: Record, draft: Draft, checked: Checked) -> None:
    errors: list[FieldError] = []
    record.form_version_id = around.form_version_id
    record.data, record.personal = checked.data, checked.personal or None
    record.state = _state(around, draft.state, errors)
    record.departments = _departments(around, draft.departments, errors)
    record.department_id = record.departments.get(next(iter(around.ledger.departments), ""))
    record.polygon = _polygon(around, draft.polygon, errors)
    place = locate(around, _with_polygon(draft, record.polygon), errors)
    record.location, record.grid_id, record.lon, record.lat = place.location, place.grid_id, place.lon, place.lat
    record.position = None if place.x is None or place.y is None else (place.x, place.y)
    if errors:
        raise Invalid.many(errors)


def locate(around: Surroundings, draft: Draft, errors: list[FieldError]) -> Place:
    """Find the place of a draft; a position outside every grid is kept, or given to the grid that the draft names."""
    grid = None
    if draft.grid_code is not None:
        grid = around.grids.by_code.get(draft.grid_code)
        if grid is None:
            errors.append(FieldError("grid", msg("ledgers.unknown_grid", found=draft.grid_code[:40])))
    assigned = Place(Location.ASSIGNED, grid_id=grid.id, grid_path=grid.path) if grid else Place(Location.UNLOCATED)
    if draft.lon is None or draft.lat is None:
        return assigned
    if not (-180 <= draft.lon <= 180 and -90 <= draft.lat <= 90):
        errors.append(FieldError("position", msg("ledgers.position_range", lon=draft.lon, lat=draft.lat)))
        return assigned
    lon, lat = convert(draft.lon, draft.lat, draft.crs)
    found = locate_many(around, np.array([lon]), np.array([lat]))
    x, y = float(found.x[0]), float(found.y[0])
    place = Place(found.location[0], lon, lat, grid_id=int(found.grid_id[0]) or None)
    if np.isfinite([x, y]).all():
        place = replace(place, x=x, y=y)
    if place.grid_id is None and grid is not None:
        place = replace(place, location=Location.ASSIGNED, grid_id=grid.id)
    return place


def _with_polygon(draft: Draft, polygon: Mapping[str, Any] | None) -> Draft:
    """Give a draft that has a polygon and no position a point on the polygon's surface."""
    if polygon is None or draft.lon is not None:
        return draft
    middle = shape(dict(polygon)).representative_point()
    return replace(draft, lon=middle.x, lat=middle.y, crs="wgs84")


def _state(around: Surroundings, key: str | None, errors: list[FieldError]) -> str:
    states = around.ledger.states
    if key is None:
        return around.ledger.first_state
    if key not in states or states[key].is_retired:
        known = ", ".join(state.key for state in states.values() if not state.is_retired)
        errors.append(FieldError("state", msg("ledgers.unknown_state", found=key[:40], known=known)))
    return key


def _departments(around: Surroundings, given: Mapping[str, str], errors: list[FieldError]) -> dict[str, int]:
    found: dict[str, int] = {}
    for role, code in given.items():
        department = around.departments.by_code.get(code)
        if role not in around.ledger.departments:
            errors.append(FieldError(f"departments.{role}", msg("ledgers.unknown_role", known=", ".join(around.ledger.departments))))
        elif department is None:
            errors.append(FieldError(f"departments.{role}", msg("ledgers.unknown_department", found=code[:60])))
        else:
            found[role] = department.id
    missing = [role.key for role in around.ledger.departments.values() if role.is_required and role.key not in given]
    errors += [FieldError(f"departments.{key}", msg("ledgers.department_required")) for key in missing]
    return found


def _polygon(around: Surroundings, given: Mapping[str, Any] | None, errors: list[FieldError]) -> dict[str, Any] | None:
    if given is None:
        return None
    message = None
    if around.ledger.geometry is not Geometry.POLYGON:
        message = msg("ledgers.polygon_not_wanted")
    elif given.get("type") not in {"Polygon", "MultiPolygon"}:
        message = msg("ledgers.geometry_kind", found=str(given.get("type"))[:40])
    else:
        try:
            polygon = shape(dict(given))
            west, south, east, north = polygon.bounds if not polygon.is_empty else (999.0,) * 4
            if not polygon.is_valid or not (west >= -180 and south >= -90 and east <= 180 and north <= 90):
                message = msg("ledgers.broken_polygon")
        except (ShapelyError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
            message = msg("ledgers.broken_geometry")
    if message is not None:
        errors.append(FieldError("polygon", message))
        return None
    return {"type": given["type"], "coordinates": given["coordinates"]}


def _require_at(actor: Actor, around: Surroundings, record: Record, right: LedgerRight = LedgerRight.WRITE) -> None:
    require_right_at(actor, right, around.grids.by_id.get(record.grid_id or 0), around.departments.by_id.get(record.department_id or 0))


def require_right_at(actor: Actor, right: LedgerRight, grid: GridName | None, department: DepartmentName | None) -> None:
    """Raise Forbidden unless ``actor`` holds ``right`` at a grid and department."""
    require(actor, right, grid_path=grid.path if grid else None, department_path=department.path if department else None)


def _code(session: Session, actor: Actor, around: Surroundings, record: Record, draft: Draft) -> str:
    layout, ledger = around.ledger.layout, around.ledger.key
    grid = around.grids.by_id.get(record.grid_id or 0)
    code = draft.code
    if code is None:
        if layout is None:
            raise Invalid(msg("ledgers.code_required"), path="code")
        prefix = layout.prefix(agency=around.agency_settings, fields=record.data, grid_code=grid.code if grid else None)
        serial = serials.draw(session, actor.agency_id, ledger, {prefix: 1})[prefix] if layout.serial_digits else 0
        return layout.code(prefix, serial)
    if not is_code(code):
        raise Invalid(msg("ledgers.not_a_code", found=code[:40]), path="code")
    if layout is not None and not layout.fits(code):
        raise Invalid(msg("ledgers.code_without_layout", length=layout.length, found=code), path="code")
    taken = session.scalar(select(Record.id).where(Record.agency_id == actor.agency_id, Record.ledger_key == ledger, Record.code == code))
    if taken is not None:
        raise Conflict(msg("ledgers.code_in_use", code=code))
    split = layout.serial_of(code) if layout else None
    if split:
        serials.raise_to(session, actor.agency_id, ledger, dict([split]))
    return code


def _title(around: Surroundings, record: Record, given: str | None) -> str:
    field = around.ledger.title_field
    found = record.data.get(field) if field else None
    return (given or ("" if found is None else str(found)) or record.code)[:300]


def _overlaid(around: Surroundings, record: Record, changes: Mapping[str, Any]) -> Draft:
    data = joined(record.data, record.personal or {})
    for path in (node.path for node in around.form.plan.nodes if node.value is not None):
        _drop(data, path)
    for name, given in changes.get("data", {}).items():
        value = _unmasked(record, name, given)
        if value is None:
            data.pop(name, None)
        else:
            data[name] = value
    names = around.departments.by_id
    departments = {role: names[number].code for role, number in record.departments.items() if number in names}
    for role, code in changes.get("departments", {}).items():
        if code is None:
            departments.pop(role, None)
        else:
            departments[role] = code
    assigned = around.grids.by_id.get(record.grid_id or 0) if record.location == Location.ASSIGNED else None
    grid_code = assigned.code if assigned and assigned.code in around.grids.by_code else None
    draft = Draft(
        data=data, title=changes.get("title", None if around.ledger.title_field else record.title), state=changes.get("state", record.state),
        lon=record.lon, lat=record.lat, polygon=record.polygon, grid_code=grid_code, departments=departments,
    )  # fmt: skip
    if "position" in changes:
        position = changes["position"] or {}
        draft = replace(draft, lon=position.get("lon"), lat=position.get("lat"), crs=position.get("crs") or "wgs84")
    return replace(draft, **{name: changes[name] for name in ("polygon", "grid_code") if name in changes})


def _unmasked(record: Record, name: str, given: Any) -> Any:
    """Give the value to store: the mask of a personal value that was shown means the value itself; another mask raises Invalid."""
    stored = (record.personal or {}).get(name)
    if stored is None or not isinstance(given, str) or "*" not in given:
        return given
    if given == HIDDEN or (isinstance(stored, str) and given == masked(stored)):
        return stored
    raise Invalid(msg("ledgers.hidden_value_sent"), path=f"data.{name}")


def _drop(data: dict[str, Any], path: tuple[str, ...]) -> None:
    here: Any = data
    for step in path[:-1]:
        here = here.get(step, {})
    here.pop(path[-1], None)


def _values(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in (*_LOGGED, "personal")}


def _note(session: Session, actor: Actor, record: Record, kind: str, old: Mapping[str, Any], reason: str | None = None) -> None:
    """Write version and history; of personal values it says only that they changed."""
    new = _values(record)
    names = [name for name in new if new[name] != old[name]]
    if not names:
        return
    record.version += 1
    record.updated_at, record.updated_by_id = actor.now, actor.user_id
    session.flush()
    session.execute(
        insert(RecordEvent).values(
            agency_id=actor.agency_id, record_id=record.id, kind=kind, version=record.version, at=actor.now, user_id=actor.user_id, reason=reason,
            old={name: None if name == "personal" else old[name] for name in names},
            new={name: None if name == "personal" else new[name] for name in names},
        )
    )  # fmt: skip
    audit.record(session, actor, f"ledgers:record:{kind}", subject=_subject(record), new={"version": record.version, "fields": names})


def _subject(record: Record) -> str:
    return f"record:{record.ledger_key}/{record.code}"
