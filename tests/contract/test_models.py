"""Tables: each says what a row is, whether it is configuration, and what it knows of persons."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import Table

from core import parts
from core.app import create_app  # noqa: F401  # maps every model
from core.db.base import AgencyOwned, Base

parts.load()
OWN = sorted(
    (mapper.class_ for mapper in Base.registry.mappers if mapper.class_.__module__.startswith(("core.", "plugins."))),
    key=lambda one: one.__name__,
)
SMELLS = re.compile(
    r"(^|_)(name|phone|mobile|telephone|email|address|id_card|birthday|born|personal|contact|user_agent|ip|text|ciphertext)(_|$)"
)
NAMES_THINGS = {
    "grid",
    "grid_level",
    "grid_scheme",
    "department",
    "team",
    "post",
    "agency",
    "heartbeat",
    "holiday",
    "notice_channel",
    "import_job",
}


@pytest.mark.parametrize("model", OWN, ids=lambda model: model.__name__)
def test_model_says_what_a_row_is_and_what_kind_of_data(model: type) -> None:
    assert model.__doc__
    assert not model.__doc__.startswith(model.__name__ + "(")
    assert model.__config_scope__ in {"config", "business", "log", "runtime"}


def personal_smells() -> list[tuple[str, object]]:
    tables = [table for table in Base.metadata.sorted_tables if table.name in {model.__tablename__ for model in OWN}]
    return [(f"{table.name}.{column.name}", column) for table in tables for column in table.columns if SMELLS.search(column.name)]


def test_columns_that_smell_of_a_person_say_why_they_are_kept() -> None:
    silent = [
        place for place, column in personal_smells() if "personal_data" not in column.info and place.partition(".")[0] not in NAMES_THINGS
    ]
    assert [] == silent


def test_what_is_said_of_personal_data_is_whole() -> None:
    said = [
        (table.name, column.name, column.info["personal_data"])
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if "personal_data" in column.info
    ]
    assert said
    assert [] == [one for one in said if set(one[2]) != {"why", "kept", "erased"} or not all(one[2].values())]


def agency_tables() -> list[Table]:
    return [model.__table__ for model in OWN if issubclass(model, AgencyOwned)]


def test_rows_of_an_agency_point_into_their_own_agency_alone() -> None:
    """A reference from one agency's table to another such table goes by both columns."""
    owned = {table.name for table in agency_tables()}
    loose = [
        f"{table.name}.{[column.name for column in key.columns]}"
        for table in agency_tables()
        for key in table.foreign_key_constraints
        if key.referred_table.name in owned and "agency_id" not in {column.name for column in key.columns}
    ]
    assert [] == loose


SHARED = {"grid_scheme_share"}
"""Who may use a scheme is no secret among agencies, and the constraint that refuses other schemes must see it."""


def test_tables_with_an_agency_are_secured_by_row() -> None:
    open_tables = [
        model.__tablename__
        for model in OWN
        if "agency_id" in model.__table__.columns and not getattr(model, "__row_level_security__", False)
    ]
    assert SHARED == set(open_tables)
