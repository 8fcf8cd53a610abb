"""Which definitions make the numbers: those in force, or the ones that a frozen formula names by their ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from core.db.epoch import EpochCache
from core.definitions import store
from core.definitions.store import Version
from core.lib.errors import NotFound
from core.lib.text import msg
from core.pluginmanager import plugins
from core.scoring.definition import Indicator, IndicatorFile, Scale, Scorecard, bound, split_key
from core.scoring.scales import scale_of
from core.scoring.types import EMPTY

MOST_KNOWN = 10_000
"""So many things of a kind are kept; a board of 6,500 rows has some 3,000 that differ."""


@dataclass(frozen=True)
class Formula:
    """Everything that cards are made of, compiled, and the id of each definition's version."""

    cards: Mapping[str, Scorecard]
    indicators: Mapping[str, Indicator]
    scales: Mapping[str, Scale]
    items: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """What the classes of a deduction sheet's findings carry, by code."""
    ids: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    """By ``kind:key``."""
    _known: dict[tuple[Any, ...], dict[Any, Any]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def known(self, *of: Any) -> dict[Any, Any]:
        """Give what was worked out by this formula before, to look up and to add to; what has grown large begins anew.

        A formula never changes, so what a value, a score or a cell is by it holds
        as long as it does. Thousands of small areas have few numbers among them,
        and the next request has mostly the same.
        """
        found = self._known.get(of)
        if found is None or len(found) > MOST_KNOWN:
            found = self._known[of] = {}
        return found

    def scale(self, card: Scorecard) -> Scale:
        """Give the grades of a card."""
        return self.scales[card.grades]

    def of_card(self, key: str) -> Mapping[str, int]:
        """Give the ids of the definitions that one card is made of."""
        wanted = set(_named(self.cards, self.indicators, key, self.ids))
        return {name: number for name, number in self.ids.items() if name in wanted}


_formulas: EpochCache[Formula] = EpochCache()


def formula_of(session: Session, keys: Sequence[str], frozen: Mapping[str, int] | None = None) -> Formula:
    """Give what these cards are made of; raises NotFound for one that is not there or whose plugin is off."""
    if frozen is not None:
        return _Reading(session, frozen).formula(keys)
    keys = sorted(set(keys))  # in whatever order they are asked for, it is one formula with one memory
    place = (getattr(session, "agency_id", None), tuple(keys))
    return _formulas.get(session, place, lambda: _Reading(session, None).formula(keys))


def list_cards(session: Session) -> list[tuple[Version, Scorecard]]:
    """List the cards in force of the plugins that are on, by key."""
    on = plugins().enabled(session)
    found = store.list_current(session, "scorecard")
    return [(version, store.compiled(version)) for version in found if version.key.partition(".")[0] in on]


def indicator_of(session: Session, key: str) -> Indicator:
    """Give one indicator in force; raises NotFound when it is not there or its plugin is off."""
    if not plugins().is_enabled(session, key.partition(".")[0]):
        raise NotFound(msg("scoring.no_indicator", key=key[:120]))
    reading = _Reading(session, None)
    reading.take_indicator(key)
    return reading.indicators[key]


class _Reading:
    """Reads cards and all that they name, each once."""

    def __init__(self, session: Session, frozen: Mapping[str, int] | None) -> None:
        self.session, self.frozen = session, frozen
        self.cards: dict[str, Scorecard] = {}
        self.indicators: dict[str, Indicator] = {}
        self.scales: dict[str, Scale] = {}
        self.items: dict[str, Any] = {}
        self.ids: dict[str, int] = {}

    def formula(self, keys: Sequence[str]) -> Formula:
        """Read the cards and give what they are made of."""
        for key in keys:
            self._take_card(key)
        cards = {key: bound(card, self.indicators) for key, card in self.cards.items()}
        return Formula(cards, self.indicators, self.scales, self.items, self.ids)

    def take_indicator(self, key: str) -> None:
        """Read an indicator, and those that it is a ratio of."""
        if key in self.indicators:
            return
        file_key, name = split_key(key)
        file: IndicatorFile = self._definition("indicator", file_key)
        if name not in file.indicators:
            raise NotFound(msg("scoring.no_indicator", key=key))
        found = self.indicators[key] = file.indicators[name]
        for part in (found.above, found.below):
            if part is not None:
                self.take_indicator(part)

    def _take_card(self, key: str) -> None:
        if key in self.cards:
            return
        card: Scorecard = self._definition("scorecard", key)
        self.cards[key] = card
        if card.grades not in self.scales:
            self.scales[card.grades] = scale_of(self._definition("catalogue", card.grades))
        for indicator in card.measured.values():
            self.take_indicator(indicator)
        if card.deduction is not None:
            self.take_indicator(card.deduction.findings)
            self._take_items(key.partition(".")[0])
        for part in card.parts:
            self._take_card(part.scorecard)

    def _take_items(self, plugin: str) -> None:
        """Take what the classes of a plugin's catalogues carry; of a code that two have, the first by key, as cases do."""
        known = (
            self.frozen if self.frozen is not None else [f"catalogue:{one.key}" for one in store.list_current(self.session, "catalogue")]
        )
        for name in sorted(known):
            if name.startswith(f"catalogue:{plugin}."):
                catalogue = self._definition("catalogue", name.removeprefix("catalogue:"))
                self.items = {**{code: dict(item.data) for code, item in catalogue.items.items()}, **self.items}

    def _definition(self, kind: str, key: str) -> Any:
        if kind == "scorecard" and self.frozen is None and not plugins().is_enabled(self.session, key.partition(".")[0]):
            raise NotFound(msg("scoring.no_scorecard", key=key))
        found = self._version(kind, key)
        if found is None:
            raise NotFound(msg(f"scoring.no_{'scorecard' if kind == 'scorecard' else 'indicator'}", key=key))
        self.ids[f"{kind}:{key}"] = found.id
        return store.compiled(found)

    def _version(self, kind: str, key: str) -> Version | None:
        if self.frozen is None:
            return store.find_current(self.session, kind, key)
        number = self.frozen.get(f"{kind}:{key}")
        return None if number is None else store.version(self.session, number)


def _named(cards: Mapping[str, Scorecard], indicators: Mapping[str, Indicator], key: str, ids: Iterable[str]) -> Iterable[str]:
    card = cards[key]
    yield f"scorecard:{key}"
    yield f"catalogue:{card.grades}"
    if card.deduction is not None:
        yield from (name for name in ids if name.startswith(f"catalogue:{key.partition('.')[0]}."))
    for indicator in [*card.measured.values(), *([card.deduction.findings] if card.deduction else [])]:
        yield f"indicator:{split_key(indicators[indicator].key)[0]}"
    for part in card.parts:
        yield from _named(cards, indicators, part.scorecard, ids)
