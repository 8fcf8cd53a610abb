"""The rules of the grid tree: codes, paths, parents, validity, splits and merges.

Pure: it knows neither coordinates nor the database. A path is the scheme's
key followed by the codes from the root down, so that a scope over a path can
never reach into another scheme.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from core.grid.types import Arrangement, KnownNode, Level, Node, PlacedNode, Problem, ProblemKind, Succession, Transfer
from core.lib.errors import Conflict, Invalid
from core.lib.text import Message, msg

__all__ = [
    "ancestors",
    "arrange",
    "child_path",
    "code_prefix",
    "is_valid_at",
    "is_within",
    "merge",
    "next_codes",
    "root_path",
    "scheme_of",
    "split",
]

Levels = Mapping[str, Level]

_LABEL = re.compile(r"[0-9A-Za-z_]{1,40}")


def root_path(scheme: str) -> str:
    """Give the path of a whole scheme. Raises Invalid for a key that cannot be a path label."""
    return _label(scheme)


def child_path(parent: str, code: str) -> str:
    """Give the path of `code` below the path `parent`."""
    return f"{parent}.{_label(code)}"


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


def code_prefix(levels: Levels, level: str, parent_path: str) -> str:
    """Give what every code of `level` below `parent_path` begins with; empty when the level asks for nothing."""
    within = levels[level].code_within
    # The scheme's key stands first in a path, so the ancestor of depth d is label d + 1.
    return "" if within is None else parent_path.split(".")[levels[within].depth + 1]


def next_codes(prefix: str, digits: int, taken: Iterable[str], count: int) -> list[str]:
    """Draw the next unused codes of `digits` digits that begin with `prefix`.

    Retired codes belong to `taken`: a code never comes back, so counting goes
    on from the highest serial ever used. Raises Conflict when they run out.
    """
    width = digits - len(prefix)
    serials = (code[len(prefix) :] for code in taken if code.startswith(prefix) and len(code) == digits)
    last = max((int(serial) for serial in serials if serial.isdecimal()), default=0)
    if width < 1 or last + count >= 10**width:
        raise Conflict(msg("grid.codes_used_up", prefix=prefix, digits=digits))
    return [f"{prefix}{serial:0{width}d}" for serial in range(last + 1, last + count + 1)]


def arrange(scheme: str, levels: Levels, incoming: Sequence[Node], known: Mapping[str, KnownNode]) -> Arrangement:
    """Put incoming nodes in storing order, parents first, each with its path.

    Nothing is guessed: whatever does not fit is a problem naming the node by
    its place in the input, and so is everything that hangs below it. A parent
    is always of the level just above, so no cycle can be described.
    """
    counts = Counter(node.code for node in incoming)
    problems: list[Problem] = []
    sound: list[tuple[int, Node]] = []
    for index, node in enumerate(incoming):
        own = [Problem(kind, node.code, message, index) for kind, message in _own_problems(node, levels, counts, known)]
        problems += own
        if not own:
            sound.append((index, node))
    placed: dict[str, PlacedNode] = {}
    for index, node in sorted(sound, key=lambda item: (levels[item[1].level].depth, item[0])):
        try:
            path = _place(scheme, levels, node, known, placed)
        except _Misfit as misfit:
            problems.append(Problem(misfit.kind, node.code, misfit.message, index))
        else:
            placed[node.code] = PlacedNode(node, path, index, known=node.code in known)
    return Arrangement(list(placed.values()), sorted(problems, key=lambda problem: problem.index or 0))


def split(
    levels: Levels,
    whole: KnownNode,
    parts: Sequence[Node],
    *,
    children: Mapping[str, str | None],
    below: Sequence[KnownNode],
    taken: Collection[str],
    at: datetime,
) -> Succession:
    """Plan the retirement of one grid in favour of two or more parts.

    `children` says into which part each child falls, `below` is everything
    under the grid. Raises Invalid when a part's code does not fit or was ever
    used, or a child lies in no single part.
    """
    if len(parts) < 2:
        raise Invalid(msg("grid.split_needs_two", code=whole.code), path="parts")
    return _succeed(levels, [whole], parts, children=children, below=below, taken=taken, at=at)


def merge(
    levels: Levels, wholes: Sequence[KnownNode], into: Node, *, below: Sequence[KnownNode], taken: Collection[str], at: datetime
) -> Succession:
    """Plan the retirement of two or more siblings in favour of one grid, which takes everything below them.

    Raises Invalid when they are not siblings of one level, or the code does
    not fit or was ever used.
    """
    if len({whole.code for whole in wholes}) < 2:
        raise Invalid(msg("grid.merge_needs_two"), path="codes")
    if len({(_above(whole.path), whole.level) for whole in wholes}) > 1:
        raise Invalid(msg("grid.merge_needs_siblings", codes=", ".join(whole.code for whole in wholes)), path="codes")
    paths = {whole.path for whole in wholes}
    children = {node.code: into.code for node in below if _above(node.path) in paths}
    return _succeed(levels, wholes, [into], children=children, below=below, taken=taken, at=at)


def _succeed(
    levels: Levels,
    retiring: Sequence[KnownNode],
    created: Sequence[Node],
    *,
    children: Mapping[str, str | None],
    below: Sequence[KnownNode],
    taken: Collection[str],
    at: datetime,
) -> Succession:
    for whole in retiring:
        if whole.retired:
            raise Conflict(msg("grid.already_retired", code=whole.code))
    above = _above(retiring[0].path)
    _check_new_codes(levels, levels[retiring[0].level], above, created, taken)
    codes = [node.code for node in created]
    for child, code in children.items():
        if code not in codes:
            raise Invalid(msg("grid.child_between_parts", code=child), path="parts")
    parents = {child: child_path(above, code) for child, code in children.items() if code is not None}
    transfers = _cascade(levels, parents, below, {*taken, *codes})
    return Succession(tuple(whole.code for whole in retiring), tuple(created), tuple(transfers), at)


def _check_new_codes(levels: Levels, level: Level, above: str, created: Sequence[Node], taken: Collection[str]) -> None:
    prefix = code_prefix(levels, level.key, above)
    codes = [node.code for node in created]
    for node in created:
        if node.code in taken or codes.count(node.code) > 1:
            raise Invalid(msg("grid.code_taken", code=node.code), path="code")
        if not _fits_layout(node.code, level):
            raise Invalid(_layout_message(node.code, level), path="code")
        if not node.code.startswith(prefix):
            raise Invalid(msg("grid.code_outside_prefix", code=node.code, prefix=prefix), path="code")


def _cascade(levels: Levels, parents: Mapping[str, str], below: Sequence[KnownNode], taken: set[str]) -> Iterator[Transfer]:
    """Take everything below to its new parent; a code that must begin with an ancestor's new code is drawn anew."""
    moved: dict[str, str] = {}
    for node in sorted(below, key=lambda node: (node.path.count("."), node.code)):
        above = parents[node.code] if node.code in parents else moved[_above(node.path)]
        prefix, code = code_prefix(levels, node.level, above), node.code
        if not code.startswith(prefix):
            (code,) = next_codes(prefix, levels[node.level].code_digits or 0, taken, 1)
            taken.add(code)
        moved[node.path] = child_path(above, code)
        yield Transfer(node, code, moved[node.path], replaced=code != node.code)


def _above(path: str) -> str:
    return path.rpartition(".")[0]


class _Misfit(Exception):  # noqa: N818  # it never leaves this module
    def __init__(self, kind: ProblemKind, message: Message) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


def _place(scheme: str, levels: Levels, node: Node, known: Mapping[str, KnownNode], placed: Mapping[str, PlacedNode]) -> str:
    """Find the node's path, or raise why it has none."""
    path = child_path(_parent_path(scheme, levels, node, known, placed), node.code)
    prefix = code_prefix(levels, node.level, path)
    if not node.code.startswith(prefix):
        raise _Misfit(ProblemKind.CODE_OUTSIDE_PREFIX, msg("grid.code_outside_prefix", code=node.code, prefix=prefix))
    if node.code in known and known[node.code].path != path:
        raise _Misfit(ProblemKind.MOVED, msg("grid.moved", code=node.code))
    return path


def _parent_path(scheme: str, levels: Levels, node: Node, known: Mapping[str, KnownNode], placed: Mapping[str, PlacedNode]) -> str:
    depth = levels[node.level].depth
    if node.parent is None and depth == 0:
        return root_path(scheme)
    parent = node.parent or ""
    if parent in placed:
        level, path = placed[parent].node.level, placed[parent].path
    elif parent in known and not known[parent].retired:
        level, path = known[parent].level, known[parent].path
    else:
        raise _Misfit(ProblemKind.UNKNOWN_PARENT, msg("grid.unknown_parent", code=node.code, parent=parent or "-"))
    if levels[level].depth != depth - 1:
        raise _Misfit(ProblemKind.WRONG_PARENT_LEVEL, msg("grid.wrong_parent_level", code=node.code, parent=parent, level=level))
    return path


def _own_problems(
    node: Node, levels: Levels, counts: Mapping[str, int], known: Mapping[str, KnownNode]
) -> Iterator[tuple[ProblemKind, Message]]:
    if node.level not in levels:
        yield ProblemKind.UNKNOWN_LEVEL, msg("grid.unknown_level", code=node.code, level=node.level, known=", ".join(levels))
    elif not _fits_layout(node.code, levels[node.level]):
        yield ProblemKind.BAD_CODE, _layout_message(node.code, levels[node.level])
    if not node.name.strip():
        yield ProblemKind.NO_NAME, msg("grid.no_name", code=node.code)
    if counts[node.code] > 1:
        yield ProblemKind.DUPLICATE_CODE, msg("grid.duplicate_code", code=node.code)
    if node.code in known and known[node.code].retired:
        yield ProblemKind.CODE_RETIRED, msg("grid.code_retired", code=node.code)


def _fits_layout(code: str, level: Level) -> bool:
    if level.code_digits is None:
        return bool(_LABEL.fullmatch(code))
    return len(code) == level.code_digits and code.isascii() and code.isdecimal()


def _layout_message(code: str, level: Level) -> Message:
    if level.code_digits is None:
        return msg("grid.bad_code", code=code)
    return msg("grid.bad_code_digits", code=code, level=level.title, digits=level.code_digits)


def _label(text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise Invalid(msg("grid.bad_code", code=text), path="code")
    return text
