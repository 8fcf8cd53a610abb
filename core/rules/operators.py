"""The profile: every operator a rule may use, and how authors write it.

One table feeds the parser, the check, the writer and the reference page. An
operator stands here only if server, browser and SQL agree on it for every
vector; SQL may lack one (``sql=False``) and then says so by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["any", "boolean", "list", "number", "text"]
"""What a value is, apart from null, which every value may be."""


@dataclass(frozen=True)
class Operator:
    """One operator of the tree; ``most`` None means any number of arguments."""

    name: str
    least: int
    most: int | None
    gives: Kind
    loops: bool = False
    sql: bool = True


@dataclass(frozen=True)
class Function:
    """One name that authors call, as the reference shows it."""

    name: str
    operator: str
    example: str
    zh_CN: str  # noqa: N815 - the locale's own name
    en: str


OPERATORS: dict[str, Operator] = {
    operator.name: operator
    for operator in (
        Operator("or", 2, None, "boolean"),
        Operator("and", 2, None, "boolean"),
        Operator("!", 1, 1, "boolean"),
        Operator("==", 2, 2, "boolean"),
        Operator("!=", 2, 2, "boolean"),
        Operator("<", 2, 2, "boolean"),
        Operator("<=", 2, 2, "boolean"),
        Operator(">", 2, 2, "boolean"),
        Operator(">=", 2, 2, "boolean"),
        Operator("in", 2, 2, "boolean"),
        Operator("+", 2, None, "number"),
        Operator("-", 1, 2, "number"),
        Operator("*", 2, None, "number"),
        Operator("/", 2, 2, "number"),
        Operator("%", 2, 2, "number"),
        Operator("if", 2, None, "any"),
        Operator("??", 1, None, "any"),
        Operator("is_empty", 1, 1, "boolean"),
        Operator("length", 1, 1, "number"),
        Operator("lower", 1, 1, "text"),
        Operator("upper", 1, 1, "text"),
        Operator("trim", 1, 1, "text"),
        Operator("starts_with", 2, 2, "boolean"),
        Operator("ends_with", 2, 2, "boolean"),
        Operator("cat", 1, None, "text", sql=False),
        Operator("abs", 1, 1, "number"),
        Operator("floor", 1, 1, "number"),
        Operator("ceil", 1, 1, "number"),
        Operator("round", 1, 2, "number"),
        Operator("min", 1, None, "number"),
        Operator("max", 1, None, "number"),
        Operator("sum", 1, 1, "number"),
        Operator("avg", 1, 1, "number"),
        Operator("count", 1, 2, "number", loops=True),
        Operator("some", 2, 2, "boolean", loops=True),
        Operator("all", 2, 2, "boolean", loops=True),
        Operator("none", 2, 2, "boolean", loops=True),
        Operator("map", 2, 2, "list", loops=True),
        Operator("filter", 2, 2, "list", loops=True),
        Operator("today", 0, 0, "text"),
        Operator("days_between", 2, 2, "number"),
        Operator("years_between", 2, 2, "number"),
        Operator("add_days", 2, 2, "text"),
    )
}

FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (
        Function("abs", "abs", "abs(a - b)", "绝对值", "the number without its sign"),
        Function("add_days", "add_days", "add_days(found_on, 30)", "日期加天数", "the date so many whole days later"),
        Function(
            "all", "all", "all(rooms, area > 0)", "每一项都满足；没有项时为真", "true when every row fulfils it, also when there is no row"
        ),
        Function("any", "some", "any(rooms, area > 3)", "至少一项满足", "true when at least one row fulfils it"),
        Function("avg", "avg", "avg(rooms, area)", "平均值，忽略空值", "the mean, passing over nulls; null when nothing is left"),
        Function("ceil", "ceil", "ceil(weight)", "向上取整", "the next whole number upwards"),
        Function("coalesce", "??", "coalesce(nickname, name)", "第一个非空的值", "the first value that is not null"),
        Function("concat", "cat", "concat(street, '-', house)", "连接文字和数字", "texts and numbers joined; anything else adds nothing"),
        Function(
            "contains",
            "in",
            "contains(name, '餐')",
            "文字包含片段，或列表包含该项",
            "true when the text holds the part or the list the item",
        ),
        Function(
            "count",
            "count",
            "count(rooms, area > 3)",
            "满足条件的项数；不写条件则为总项数",
            "how many rows fulfil it; without a condition, how many there are",
        ),
        Function(
            "days_between",
            "days_between",
            "days_between(found_on, today())",
            "从前一日到后一日的天数",
            "days from the first date to the second",
        ),
        Function("each", "map", "max(each(rooms, area))", "对每一项取值得到列表", "the list of the value for each row"),
        Function("ends_with", "ends_with", "ends_with(code, '01')", "文字以此结尾", "true when the text ends so"),
        Function("filter", "filter", "filter(rooms, area > 3)", "满足条件的项", "the rows that fulfil it"),
        Function("floor", "floor", "floor(weight)", "向下取整", "the next whole number downwards"),
        Function(
            "if", "if", "if(rooms > 3, 'large', 'small')", "条件取值，同 ? :", "the value of the first condition that holds, like ? :"
        ),
        Function("is_empty", "is_empty", "is_empty(photos)", "空值、空文字或空列表", "true for null, '' and []"),
        Function(
            "len", "length", "len(photos) >= 2", "文字的字数或列表的项数；空值为 0", "characters of a text or items of a list; 0 for null"
        ),
        Function("lower", "lower", "lower(plate)", "转小写", "the text in lower case"),
        Function("max", "max", "max(a, b)", "最大的数，忽略空值", "the largest number of the arguments or of one list, passing over nulls"),
        Function(
            "min", "min", "min(a, b)", "最小的数，忽略空值", "the smallest number of the arguments or of one list, passing over nulls"
        ),
        Function("none", "none", "none(rooms, area < 2)", "没有一项满足", "true when no row fulfils it"),
        Function(
            "round",
            "round",
            "round(area, 1)",
            "四舍五入（逢五远离零），可写小数位数",
            "rounded, a half away from zero; digits after the point, 0 unless given",
        ),
        Function("starts_with", "starts_with", "starts_with(grid, '110101')", "文字以此开头", "true when the text starts so"),
        Function("sum", "sum", "sum(rooms, area)", "合计，忽略空值；没有项时为 0", "the total, passing over nulls; 0 when there is none"),
        Function("today", "today", "today()", "今天（机构当地日期）", "the present day where the agency is"),
        Function("trim", "trim", "trim(name)", "去掉首尾空白", "the text without blanks at its ends"),
        Function("upper", "upper", "upper(plate)", "转大写", "the text in upper case"),
        Function(
            "years_between",
            "years_between",
            "years_between(born_on, today()) >= 18",
            "满多少周年",
            "full years from the first date to the second",
        ),
    )
}

LISTING_SHORTHANDS = frozenset({"sum", "avg"})
"""Functions for which ``f(rows, value)`` stands for ``f(each(rows, value))``."""

KEYWORDS = frozenset({"and", "or", "not", "in", "true", "false", "null"})
ROOT = "data"
"""``data.x`` is the field x of the whole form, also inside a loop."""
ITEM = "item"
"""Inside a loop, ``item`` is the row itself; ``item.x`` is the same as ``x``."""
