"""Which department answers for a matter."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from plugins.urban_mgmt import plugin
from plugins.urban_mgmt.duties import department_codes


def item(**data):
    return SimpleNamespace(data=data)


ITEMS = {
    "c0101": item(departments=["water", "owner"]),
    "e0110": item(departments=["sanitation", "subdistrict"]),
    "e0111": item(departments=["nobody_knows"]),
    "c01": item(),
    "water": item(department="E06"),
    "owner": item(),
    "sanitation": item(department="E04"),
    "subdistrict": item(department="S{street}"),
}


@pytest.mark.parametrize(
    ("class_code", "grid_code", "expected"),
    [
        ("c0101", "110101001001", ["E06"]),
        ("e0110", "110101001001001", ["E04", "S110101001"]),
        ("e0110", None, ["E04"]),
        ("e0110", "110101", ["E04"]),
        ("e0111", "110101001001", []),
        ("c01", None, []),
        ("c9999", None, []),
        (None, None, []),
    ],
)
def test_bodies_of_a_class_in_order_of_duty(class_code, grid_code, expected):
    assert expected == list(department_codes(ITEMS, class_code, grid_code))


def test_only_dispatch_is_answered():
    assert plugin.resolve_case_duty(session=None, case=SimpleNamespace(workflow="urban_mgmt.case"), duty="accept") is None
