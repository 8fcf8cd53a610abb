"""What the product says to people, in every language at once.

A message is a key and its parameters; the sentences live beside the code
that says them, in ``core/<package>/messages.yaml``. A plugin's live in
``plugins/<key>/messages.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

import yaml

LOCALES = ("zh_CN", "en")
DEFAULT_LOCALE = "zh_CN"

Title = Mapping[str, str]


@dataclass(frozen=True)
class Message:
    """A sentence to be said: ``key`` is ``<package>.<name>``."""

    key: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def text(self, locale: str = DEFAULT_LOCALE) -> str:
        """Give the sentence in ``locale``, with the parameters filled in."""
        package, _, name = self.key.rpartition(".")
        template = say(_catalogue(package)[name], locale)
        return template.format_map({key: _spoken(value, locale) for key, value in self.params.items()})

    def __str__(self) -> str:
        return self.text()


def msg(key: str, /, **params: Any) -> Message:
    """Make a message; its texts must stand in the package's ``messages.yaml``."""
    return Message(key, params)


def say(title: Title, locale: str) -> str:
    """Choose the text of ``title`` for ``locale``, Chinese when it has none."""
    return title.get(locale) or title.get(DEFAULT_LOCALE) or next(iter(title.values()))


def listed(words: Iterable[str], locale: str) -> str:
    """Join words as a language does: 甲、乙 or A, B."""
    return ("、" if locale == "zh_CN" else ", ").join(words)


def closest_locale(wanted: str | None) -> str:
    """Read an Accept-Language header: English when it comes first, else Chinese."""
    for part in (wanted or "").split(","):
        tag = part.split(";")[0].strip().lower()
        if tag.startswith("en"):
            return "en"
        if tag.startswith("zh"):
            return DEFAULT_LOCALE
    return DEFAULT_LOCALE


def _spoken(value: object, locale: str) -> object:
    if isinstance(value, Message):
        return value.text(locale)
    if isinstance(value, Mapping):
        return say(value, locale)
    return value


@cache
def _catalogue(package: str) -> Mapping[str, Title]:
    for root in (f"core.{package}", f"plugins.{package}", package):
        try:
            source = files(import_module(root)) / "messages.yaml"
        except ModuleNotFoundError:
            continue
        if source.is_file():
            loaded: dict[str, Title] = yaml.safe_load(source.read_text("utf-8"))
            return loaded
    raise KeyError(f"no messages.yaml for {package}")
