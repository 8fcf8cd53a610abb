"""The configuration epoch: counted once a commit, late, and never kept by a cache when it is rolled back."""

from __future__ import annotations

from sqlalchemy import select

from core.db import epoch
from core.db.epoch import ConfigurationEpoch, EpochCache


def _value(database):
    with database.session(None) as session:
        return session.scalar(select(ConfigurationEpoch.value))


def test_many_changes_count_once_and_only_with_the_commit(database):
    before = _value(database)
    with database.session(None) as session:
        epoch.bump(session)
        epoch.bump(session)
        with session.begin_nested():
            epoch.bump(session)
        assert _value(database) == before
        session.commit()
        assert _value(database) == before + 1
        session.execute(select(1))
        session.commit()
    assert _value(database) == before + 1


def test_a_change_does_not_keep_another_one_waiting(database):
    with database.session(None) as slow, database.session(None) as quick:
        epoch.bump(slow)
        slow.execute(select(1))
        epoch.bump(quick)
        quick.commit()
        slow.commit()


def test_a_rolled_back_change_counts_nothing(database):
    before = _value(database)
    with database.session(None) as session:
        session.execute(select(1))
        epoch.bump(session)
        session.rollback()
        session.execute(select(1))
        session.commit()
    assert _value(database) == before


def test_a_cache_lives_until_the_epoch_moves(database):
    cache: EpochCache[int] = EpochCache()
    made = []

    def look(session):
        return cache.get(session, "key", lambda: made.append(1) or len(made))

    with database.session(None) as session:
        assert (look(session), look(session)) == (1, 1)
    with database.session(None) as session:
        epoch.bump(session)
        assert look(session) == 2, "what an open change makes is not kept"
        session.rollback()
    with database.session(None) as session:
        assert look(session) == 1
        epoch.bump(session)
        session.commit()
        assert look(session) == 3
