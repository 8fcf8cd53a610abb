"""The rules of the grid tree: codes, paths, parents, validity, splits and merges.

Pure: it knows neither polygons' coordinates nor the database. A path is the
scheme's key followed by the codes from the root down, so that a scope over a
path can never reach into another scheme.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from core.grid.types import Arrangement, KnownNode, Level, Node, PlacedNode, Problem, ProblemKind, Succession
from core.lib.errors import Conflict, Invalid
from core.lib.text import msg

__all__ = ["ancestors", "arrange", "child_path", "is_valid_at", "is_within", "merge", "next_codes", "root_path", "scheme_of", "split"]

_LABEL = re.compile(r"[0-9A-Za-z_]{1,40}")


def root_path(scheme: str) -> str:
    """Give the path of a whole scheme. Raises ValueError for a key that cannot be a path label."""
    if not _LABEL.fullmatch(scheme):
        raise ValueError(f"the scheme key {scheme!r} must be 1 to 40 letters, digits or underscores")
    return scheme


def child_path(parent: str, code: str) -> str:
    """Give the path of `code` below the path `parent`."""
    if not _LABEL.fullmatch(code):
        raise ValueError(f"the code {code!r} must be 1 to 40 letters, digits or underscores")
    return f"{parent}.{code}"


def scheme_of(path: str) -> str:
    """Read the scheme's key from a path."""
    return path.split(".", 1)[0]


def ancestors(path: str) -> list[str]:
    """List the paths above this one, the scheme's first; the path itself is not among them."""
    labels = path.split(".")
    return [".".join(labels[:count]) for count in range(1, len(labels))]


def is_within(path: str, scope: str) -> bool:
    """Tell whether `path` is `scope` or below it, label by label."""
    return path == scope or path.startswith(scope + ".")


def is_valid_at(valid_from: datetime, valid_to: datetime | None, at: datetime) -> bool:
    """Tell whether a grid was in force at a moment; the end is not included."""
    return valid_from <= at and (valid_to is None or at < valid_to)


def next_codes(prefix: str, digits: int, taken: Iterable[str], count: int) -> list[str]:
    """Draw the next unused codes of `digits` digits that begin with `prefix`.

    Retired codes belong to `taken`: a code never comes back, so counting goes
    on from the highest serial ever used. Raises Conflict when they run out.
    """
    width = digits - len(prefix)
    if width < 1:
        raise ValueError(f"no room for a serial: {digits} digits, prefix {prefix!r}")
    serials = (code[len(prefix) :] for code in taken if code.startswith(prefix) and len(code) == digits)
    last = max((int(serial) for serial in serials if serial.isdecimal()), default=0)
    if last + count >= 10**width:
        raise Conflict(msg("grid.codes_used_up", prefix=prefix, digits=digits))
    return [f"{prefix}{serial:0{width}d}" for serial in range(last + 1, last + count + 1)]


def arrange(scheme: str, levels: Sequence[Level], incoming: Sequence[Node], known: Mapping[str, KnownNode]) -> Arrangement:
    """Put incoming nodes in storing order, parents first, each with its path.

    Nothing is guessed: whatever does not fit is a problem naming the node by
    its place in the input, and so is everything that hangs below it.
    """
    by_level = {level.key: level for level in levels}
    counts = Counter(node.code for node in incoming)
    problems = [
        Problem(kind, node.code, message, index)
        for index, node in enumerate(incoming)
        for kind, message in _own_problems(node, by_level, counts, known)
    ]
    bad = {problem.code for problem in problems}
    waiting: dict[str, tuple[int, Node]] = {node.code: (index, node) for index, node in enumerate(incoming) if node.code not in bad}
    placed: dict[str, PlacedNode] = {}
    order = sorted(waiting.values(), key=lambda item: (by_level[item[1].level].depth, item[0]))
    for index, node in order:
        problem = _fit(node, by_level, known, placed)
        if problem is not None:
            problems.append(Problem(problem[0], node.code, problem[1], index))
            continue
        above = _path_of(node.parent, known, placed) if node.parent is not None else root_path(scheme)
        path = child_path(above, node.code)
        if node.code in known and known[node.code].path != path:
            problems.append(Problem(ProblemKind.MOVED, node.code, msg("grid.moved", code=node.code), index))
            continue
        placed[node.code] = PlacedNode(node, path, index, known=node.code in known)
    return Arrangement(list(placed.values()), sorted(problems, key=lambda problem: problem.index or 0))


def _own_problems(
    node: Node, levels: Mapping[str, Level], counts: Counter[str], known: Mapping[str, KnownNode]
) -> Iterator[tuple[ProblemKind, object]]:
    level = levels.get(node.level)
    if level is None:
        yield ProblemKind.UNKNOWN_LEVEL, msg("grid.unknown_level", code=node.code, level=node.level, known=", ".join(levels))
    elif not _fits_layout(node.code, level):
        yield ProblemKind.BAD_CODE, _bad_code(node.code, level)
    if not node.name.strip():
        yield ProblemKind.NO_NAME, msg("grid.no_name", code=node.code)
    if counts[node.code] > 1:
        yield ProblemKind.DUPLICATE_CODE, msg("grid.duplicate_code", code=node.code)
    if node.code in known and known[node.code].retired:
        yield ProblemKind.CODE_RETIRED, msg("grid.code_retired", code=node.code)
