"""The tree's rules, by example and by random trees."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.grid import tree
from core.grid.types import KnownNode, Level, Node, ProblemKind, Transfer
from core.lib.errors import Conflict, Invalid

AT = datetime(2026, 3, 1, tzinfo=UTC)


def level(key, depth, digits=None, within=None):
    return Level(key, {"zh_CN": key, "en": key}, depth, digits, within)


LEVELS = {
    "community": level("community", 0, 12),
    "grid": level("grid", 1, 14, "community"),
    "unit_grid": level("unit_grid", 2, 15, "community"),
}
COMMUNITY, GRID, UNIT = "110101001001", "11010100100101", "110101001001001"


def community(code=COMMUNITY, name="多福巷"):
    return Node(code, "community", name)


def grid(code=GRID, parent=COMMUNITY):
    return Node(code, "grid", "一网格", parent)


def unit(code=UNIT, parent=GRID):
    return Node(code, "unit_grid", "001", parent)


def kinds(arrangement):
    return [(problem.kind, problem.code, problem.index) for problem in arrangement.problems]


def arrange(*nodes, known=()):
    return tree.arrange("district", LEVELS, nodes, {node.code: node for node in known})


def test_arrange_puts_parents_first_with_paths():
    arrangement = arrange(unit(), grid(), community())

    assert kinds(arrangement) == []
    assert [placed.path for placed in arrangement.placed] == [
        f"district.{COMMUNITY}",
        f"district.{COMMUNITY}.{GRID}",
        f"district.{COMMUNITY}.{GRID}.{UNIT}",
    ]
    assert [placed.index for placed in arrangement.placed] == [2, 1, 0]


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([community(), grid(parent="110101001999")], [(ProblemKind.UNKNOWN_PARENT, GRID, 1)]),
        ([grid(parent=None)], [(ProblemKind.UNKNOWN_PARENT, GRID, 0)]),
        ([community(), unit(parent=COMMUNITY)], [(ProblemKind.WRONG_PARENT_LEVEL, UNIT, 1)]),
        ([community(), Node(GRID, "village", "x", COMMUNITY)], [(ProblemKind.UNKNOWN_LEVEL, GRID, 1)]),
        ([community(), grid("1101010010010")], [(ProblemKind.BAD_CODE, "1101010010010", 1)]),
        ([community(), grid("１１０１０１００１００１０１")], [(ProblemKind.BAD_CODE, "１１０１０１００１００１０１", 1)]),
        ([community(), grid("11010100200101")], [(ProblemKind.CODE_OUTSIDE_PREFIX, "11010100200101", 1)]),
        ([community(name=" ")], [(ProblemKind.NO_NAME, COMMUNITY, 0)]),
        ([community(), community()], [(ProblemKind.DUPLICATE_CODE, COMMUNITY, 0), (ProblemKind.DUPLICATE_CODE, COMMUNITY, 1)]),
    ],
)
def test_arrange_names_each_problem_and_its_place(nodes, expected):
    assert kinds(arrange(*nodes)) == expected


def test_arrange_refuses_whatever_hangs_below_a_refused_node():
    arrangement = arrange(community(name=""), grid(), unit())

    assert kinds(arrangement) == [
        (ProblemKind.NO_NAME, COMMUNITY, 0),
        (ProblemKind.UNKNOWN_PARENT, GRID, 1),
        (ProblemKind.UNKNOWN_PARENT, UNIT, 2),
    ]
    assert list(arrangement.placed) == []


def test_arrange_never_takes_a_retired_code_or_parent():
    retired = KnownNode(COMMUNITY, "community", f"district.{COMMUNITY}", retired=True)

    assert kinds(arrange(community(), known=[retired])) == [(ProblemKind.CODE_RETIRED, COMMUNITY, 0)]
    assert kinds(arrange(grid(), known=[retired])) == [(ProblemKind.UNKNOWN_PARENT, GRID, 0)]


def test_arrange_knows_a_node_again_but_does_not_move_it():
    here = KnownNode(COMMUNITY, "community", f"district.{COMMUNITY}")
    there = KnownNode(GRID, "grid", "district.110101001002." + GRID)

    arrangement = arrange(community(), grid(), known=[here, there])

    assert [placed.known for placed in arrangement.placed] == [True]
    assert kinds(arrangement) == [(ProblemKind.MOVED, GRID, 1)]


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 30)), unique=True), st.randoms())
def test_arrange_of_a_sound_tree_in_any_order_is_complete(triples, random):
    nodes = {}
    for first, second, third in triples:
        within = f"1101010010{first:02d}"
        below = f"{within}{second:02d}"
        nodes[within] = community(within)
        nodes[below] = grid(below, within)
        nodes[f"{within}{third:03d}"] = unit(f"{within}{third:03d}", below)
    shuffled = list(nodes.values())
    random.shuffle(shuffled)

    arrangement = arrange(*shuffled)

    assert list(arrangement.problems) == []
    assert {placed.node.code for placed in arrangement.placed} == set(nodes)
    seen = {"district"}
    for placed in arrangement.placed:
        assert placed.path.rpartition(".")[0] in seen
        seen.add(placed.path)


def test_paths_nest_by_label_not_by_letters():
    assert tree.is_within("district.110101.110101001", "district.110101")
    assert tree.is_within("district.110101", "district.110101")
    assert not tree.is_within("district.1101019", "district.110101")
    assert tree.ancestors("district.110101.110101001") == ["district", "district.110101"]
    assert tree.scheme_of("district.110101") == "district"


@pytest.mark.parametrize("bad", ["", "a.b", "a b", "网格", "x" * 41])
def test_path_refuses_what_is_no_label(bad):
    with pytest.raises(Invalid):
        tree.root_path(bad)
    with pytest.raises(Invalid):
        tree.child_path("district", bad)


def test_validity_ends_before_its_end():
    end = AT + timedelta(days=1)

    assert tree.is_valid_at(AT, None, AT)
    assert tree.is_valid_at(AT, end, end - timedelta(seconds=1))
    assert not tree.is_valid_at(AT, end, end)
    assert not tree.is_valid_at(AT, end, AT - timedelta(seconds=1))


def test_next_codes_go_on_after_the_highest_ever_used():
    taken = [f"{COMMUNITY}001", f"{COMMUNITY}007", f"{COMMUNITY}01", "110101001002099"]

    assert tree.next_codes(COMMUNITY, 15, taken, 2) == [f"{COMMUNITY}008", f"{COMMUNITY}009"]


def test_next_codes_run_out_with_a_conflict():
    assert tree.next_codes(COMMUNITY, 14, [f"{COMMUNITY}98"], 1) == [f"{COMMUNITY}99"]
    with pytest.raises(Conflict):
        tree.next_codes(COMMUNITY, 14, [f"{COMMUNITY}98"], 2)


@given(st.sets(st.integers(1, 900)), st.integers(1, 5))
def test_next_codes_are_new_and_fit(serials, count):
    taken = {f"{COMMUNITY}{serial:03d}" for serial in serials}

    drawn = tree.next_codes(COMMUNITY, 15, taken, count)

    assert len(set(drawn)) == count
    assert not taken & set(drawn)
    assert all(len(code) == 15 for code in drawn)


WHOLE = KnownNode(GRID, "grid", f"district.{COMMUNITY}.{GRID}")
OTHER = KnownNode(f"{COMMUNITY}02", "grid", f"district.{COMMUNITY}.{COMMUNITY}02")
NEW = [grid(f"{COMMUNITY}03"), grid(f"{COMMUNITY}04")]
TAKEN = {GRID, f"{COMMUNITY}02"}


UNIT_NODE = KnownNode(UNIT, "unit_grid", f"district.{COMMUNITY}.{GRID}.{UNIT}")


def split(parts=NEW, whole=WHOLE, children=None, below=()):
    return tree.split(LEVELS, whole, parts, children=children or {}, below=below, taken=TAKEN, at=AT)


def merge(wholes, into, below=()):
    return tree.merge(LEVELS, wholes, into, below=below, taken=TAKEN, at=AT)


def test_split_retires_one_and_moves_each_child():
    plan = split(children={UNIT: f"{COMMUNITY}04"}, below=[UNIT_NODE])

    assert plan.retired == (GRID,)
    assert [node.code for node in plan.created] == [f"{COMMUNITY}03", f"{COMMUNITY}04"]
    assert plan.transfers == (Transfer(UNIT_NODE, UNIT, f"district.{COMMUNITY}.{COMMUNITY}04.{UNIT}", replaced=False),)
    assert plan.at == AT


def test_split_above_draws_new_codes_where_the_prefix_changes():
    levels = {
        "street": level("street", 0, 9),
        "community": level("community", 1, 12, "street"),
        "grid": level("grid", 2, 14, "community"),
        "unit_grid": level("unit_grid", 3, 15, "community"),
        "free": level("free", 4),
    }
    whole = KnownNode("110101001", "street", "d.110101001")
    below = [
        KnownNode("110101001001001", "unit_grid", "d.110101001.110101001001.11010100100101.110101001001001"),
        KnownNode("11010100100101", "grid", "d.110101001.110101001001.11010100100101"),
        KnownNode("110101001001", "community", "d.110101001.110101001001"),
        KnownNode("110101001002", "community", "d.110101001.110101001002"),
        KnownNode("shop", "free", "d.110101001.110101001001.11010100100101.110101001001001.shop"),
    ]
    parts = [Node("110101002", "street", "南"), Node("110101003", "street", "北")]

    plan = tree.split(
        levels,
        whole,
        parts,
        children={"110101001001": "110101002", "110101001002": "110101003"},
        below=below,
        taken={node.code for node in [whole, *below]} | {"110101002001"},
        at=AT,
    )

    assert [(transfer.old.code, transfer.path, transfer.replaced) for transfer in plan.transfers] == [
        ("110101001001", "d.110101002.110101002002", True),
        ("110101001002", "d.110101003.110101003001", True),
        ("11010100100101", "d.110101002.110101002002.11010100200201", True),
        ("110101001001001", "d.110101002.110101002002.11010100200201.110101002002001", True),
        ("shop", "d.110101002.110101002002.11010100200201.110101002002001.shop", False),
    ]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (NEW[:1], "grid.split_needs_two"),
        ([NEW[0], NEW[0]], "grid.code_taken"),
        ([NEW[0], grid(GRID)], "grid.code_taken"),
        ([NEW[0], grid(f"{COMMUNITY}2")], "grid.bad_code_digits"),
        ([NEW[0], grid("11010100200104")], "grid.code_outside_prefix"),
    ],
)
def test_split_refuses_parts_that_do_not_fit(parts, message):
    with pytest.raises(Invalid) as refusal:
        split(parts)

    assert refusal.value.message.key == message
    assert refusal.value.message.text("en")
    assert refusal.value.message.text("zh_CN")


def test_split_refuses_a_child_between_parts():
    with pytest.raises(Invalid) as refusal:
        split(children={UNIT: None})

    assert refusal.value.message.key == "grid.child_between_parts"


def test_split_refuses_what_is_already_retired():
    with pytest.raises(Conflict):
        split(whole=KnownNode(WHOLE.code, WHOLE.level, WHOLE.path, retired=True))


def test_merge_retires_all_and_takes_their_children():
    plan = merge([WHOLE, OTHER], NEW[0], [UNIT_NODE])

    assert plan.retired == (GRID, f"{COMMUNITY}02")
    assert [transfer.path for transfer in plan.transfers] == [f"district.{COMMUNITY}.{COMMUNITY}03.{UNIT}"]


@pytest.mark.parametrize(
    ("wholes", "message"),
    [
        ([WHOLE, WHOLE], "grid.merge_needs_two"),
        ([WHOLE, KnownNode("11010100200101", "grid", "district.110101001002.11010100200101")], "grid.merge_needs_siblings"),
        ([WHOLE, KnownNode(UNIT, "unit_grid", f"district.{COMMUNITY}.{UNIT}")], "grid.merge_needs_siblings"),
    ],
)
def test_merge_refuses_what_does_not_belong_together(wholes, message):
    with pytest.raises(Invalid) as refusal:
        merge(wholes, NEW[0])

    assert refusal.value.message.key == message


def test_levels_without_layout_take_any_label():
    free = {"area": level("area", 0)}
    arrangement = tree.arrange("sales", free, [Node("north_1", "area", "北一"), Node("北", "area", "北")], {})

    assert [placed.path for placed in arrangement.placed] == ["sales.north_1"]
    assert kinds(arrangement) == [(ProblemKind.BAD_CODE, "北", 1)]
