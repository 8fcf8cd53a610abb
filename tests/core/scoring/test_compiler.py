"""What compiling promises: every name that a rule may read has a column, every instant too, and the reference prints them all."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import postgresql

from core.lib.errors import Invalid
from core.scoring import reference
from core.scoring.definition import INSTANTS, PERSONS
from core.scoring.names import INSTANTS_ARE, NAMES, OPEN_NAMES
from core.scoring.service.naming import LIVE, Grain, person_of

OPENED = {"counts.": "counts.reworks", "facts.": "facts.missed_by", "case.": "case.source", "data.": "data.solved", "": "amount"}


@pytest.mark.parametrize("grain", sorted(INSTANTS))
def test_every_name_of_a_grain_can_be_asked_for(grain):
    names = [*NAMES[grain], *(OPENED[begin] for begin in OPEN_NAMES[grain])]
    for name in names:
        seen = Grain(grain, LIVE)
        text = str(select(seen.column(name)).select_from(seen.source).compile(dialect=postgresql.dialect()))
        assert f"fact_{grain}" in text or grain in {"answer", "record"}, name
        assert seen.joins_case == (name == "case.source"), name
    for instant in INSTANTS[grain]:
        assert Grain(grain, LIVE).instant(instant).key == INSTANTS[grain][instant]


@pytest.mark.parametrize("grain", ["case", "answer"])
def test_unknown_name_is_refused(grain):
    with pytest.raises((Invalid, KeyError)):
        Grain(grain, LIVE).column("weather")


def test_state_and_counts_of_a_case_are_kept_with_its_holdings():
    held = Grain("holding", LIVE)
    assert held.column("case.state").key == "case_state"
    assert "case_counts" in str(held.column("case.counts.reworks"))
    assert not held.joins_case


def test_state_of_a_tasks_case_is_looked_up_once_for_the_whole_statement():
    tasks = Grain("task", LIVE)
    void, standing = {"==": [{"var": "case.state"}, "void"]}, {"!=": [{"var": "case.state"}, "void"]}
    conditions = [tasks.condition(rule) for rule in (void, standing, void)]
    text = str(select(tasks.facts.c.case_id).where(*conditions).compile(dialect=postgresql.dialect()))
    assert text.count("AS MATERIALIZED") == 1
    assert "NOT IN" in text
    assert not tasks.joins_case


def test_whose_a_fact_is_is_the_first_that_is_a_person():
    cases = Grain("case", LIVE)
    assert person_of(cases, PERSONS["case"]).key == "reporter_id"
    assert "coalesce" in str(person_of(cases, ("facts.missed_by", "reporter")))


def test_reference_prints_every_name_and_instant():
    text = reference.names()
    for grain in INSTANTS:
        for name in NAMES[grain]:
            assert f"| `{name}` |" in text
        for begin in OPEN_NAMES[grain]:
            assert f"`{begin}<name>`" in text
    assert INSTANTS_ARE.keys() == {name for instants in INSTANTS.values() for name in instants}
    assert "`urban_mgmt.on_cases.closing_in_time_rate`" in reference.indicators("plugins/urban_mgmt")
