"""How the command line speaks: its language, its one clear line of error, its answer for people or as JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import IO, Any

from core.lib.text import DEFAULT_LOCALE, Message

_BAR = 30
_REDRAW_SECONDS = 0.1


def terminal_locale(env: Mapping[str, str] | None = None) -> str:
    """Choose the language of the terminal: Chinese when it is set to Chinese, else English."""
    given = os.environ if env is None else env
    wanted = given.get("WANGGE_LANG") or given.get("LC_ALL") or given.get("LC_MESSAGES") or given.get("LANG") or ""
    return DEFAULT_LOCALE if wanted.lower().startswith("zh") else "en"


class Terminal:
    """Where a command says what it does: sentences and progress for a person, one JSON value for a program."""

    def __init__(self, *, as_json: bool = False, out: IO[str] | None = None, err: IO[str] | None = None) -> None:
        self.as_json = as_json
        self.locale = terminal_locale()
        self._out, self._err = out or sys.stdout, err or sys.stderr

    def say(self, message: Message | str) -> None:
        """Say a sentence on the way; with --json nothing is said, only answered."""
        if not self.as_json:
            self._write(self._out, self.text(message))

    def answer(self, value: Any, message: Message | str = "") -> None:
        """Give the command's answer: `value` as JSON, or `message` to a person."""
        if self.as_json:
            self._write(self._out, json.dumps(value, ensure_ascii=False, default=str))
        elif message:
            self._write(self._out, self.text(message))

    def complain(self, message: Message | str, *, kind: str) -> None:
        """Say in one line why the command failed, on the error stream."""
        text = self.text(message).replace("\n", " ")
        line = json.dumps({"error": {"type": kind, "message": text}}, ensure_ascii=False) if self.as_json else f"wangge: {text}"
        self._write(self._err, line)

    def table(self, rows: list[dict[str, Any]], columns: Mapping[str, str]) -> None:
        """Answer with rows: as JSON objects, or as a table with `columns` (key: heading)."""
        if self.as_json:
            self.answer(rows)
            return
        lines = [list(columns.values()), *([_cell(row.get(key)) for key in columns] for row in rows)]
        widths = [max(_width(line[index]) for line in lines) for index in range(len(columns))]
        for line in lines:
            cells = (cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True))
            self._write(self._out, "  ".join(cells).rstrip())

    def progress(self, title: Message | str) -> Progress:
        """Start a progress bar; on a pipe or with --json it only counts."""
        return Progress(self.text(title), self._err if self._err.isatty() and not self.as_json else None)

    def text(self, message: Message | str) -> str:
        """Put a message into the terminal's language."""
        return message.text(self.locale) if isinstance(message, Message) else message

    @staticmethod
    def _write(stream: IO[str], line: str) -> None:
        stream.write(f"{line}\n")
        stream.flush()


class Progress:
    """A bar that is told how far something is: `progress(done, total)`."""

    def __init__(self, title: str, stream: IO[str] | None) -> None:
        self._title, self._stream, self._drawn_at = title, stream, 0.0

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Show `done` of `total`."""
        now = time.monotonic()
        if self._stream is None or (done < total and now - self._drawn_at < _REDRAW_SECONDS):
            return
        self._drawn_at = now
        share = done / total if total else 1.0
        bar = "█" * round(share * _BAR) + "░" * (_BAR - round(share * _BAR))
        self._stream.write(f"\r\033[K{self._title} {bar} {share:4.0%} {note}")
        self._stream.flush()

    def close(self) -> None:
        """End the line of the bar."""
        if self._stream is not None:
            self._stream.write("\n")
            self._stream.flush()


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _width(text: str) -> int:
    # A Chinese character takes two columns of a terminal.
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text)
