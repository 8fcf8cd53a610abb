"""Writing a new plugin from the templates beside this file."""

from __future__ import annotations

from pathlib import Path
from string import Template

from core.lib.errors import Conflict, Invalid
from core.lib.text import msg

_TEMPLATES = Path(__file__).parent / "new_plugin"
_ENTRY_POINTS = '[project.entry-points."wangge.plugins"]\n'


def write_plugin(project: Path, key: str, *, title_zh: str, title_en: str) -> list[str]:
    """Write `plugins/<key>` and its entry point; return the files, relative to `project`.

    Raises Conflict when the folder is there already.
    """
    folder = project / "plugins" / key
    if folder.exists():
        raise Conflict(msg("cli.plugin_exists", folder=f"plugins/{key}"))
    if set('"\\{}:#\n') & set(title_zh + title_en):
        raise Invalid(msg("cli.bad_plugin_title"))
    written = []
    for template in sorted(_TEMPLATES.rglob("*.txt")):
        target = folder / template.relative_to(_TEMPLATES).with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        text = Template(template.read_text("utf-8")).substitute(key=key, title_zh=title_zh, title_en=title_en)
        target.write_text(text, "utf-8")
        written.append(str(target.relative_to(project)))
    _enter(project / "pyproject.toml", key)
    return written


def _enter(pyproject: Path, key: str) -> None:
    text = pyproject.read_text("utf-8")
    head, mark, tail = text.partition(_ENTRY_POINTS)
    if not mark:
        raise Conflict(msg("cli.no_entry_points", file=pyproject.name))
    pyproject.write_text(f'{head}{mark}{key} = "plugins.{key}.plugin"\n{tail}', "utf-8")
