"""The declarative base, and the two shapes of table.

A *reference* table has a plain ``id`` and is the installation's. A table that
belongs to an agency mixes in :class:`AgencyOwned`: its key is (agency_id, id),
references to other such tables go by both columns (:func:`within_agency`), and
row-level security hides every other agency's rows.

This is the only module below ``core.http`` that imports Flask-AppBuilder.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from flask_appbuilder import Model
from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Identity, false
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from core.db.types import UTCDateTime

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
Model.metadata.naming_convention = NAMING  # before the security tables exist, so that theirs are named too

from flask_appbuilder.security.sqla.models import User as _FabUser  # noqa: E402

if TYPE_CHECKING:

    class Base(DeclarativeBase):
        """FAB's declarative base, which has no types of its own."""
else:
    Base = Model

# A person without an e-mail address is normal here; FAB's own column would force an invented one.
_FabUser.__table__.c.email.nullable = True

for _name, _why, _kept, _erased in (
    ("username", "sign-in", "while the person may sign in", "replaced by a number"),
    ("first_name", "others must know who did a thing", "with the records of what was done", "replaced by a neutral word"),
    ("last_name", "unused: the whole name stands in first_name", "-", "emptied"),
    ("email", "notices", "while the person may sign in", "emptied"),
    ("last_login", "sign-ins out of use are found and closed", "while the person may sign in", "emptied"),
):
    _FabUser.__table__.c[_name].info["personal_data"] = {"why": _why, "kept": _kept, "erased": _erased}


class PlatformUser(_FabUser):  # type: ignore[misc]
    """One person who can sign in, anywhere in the installation.

    Not called ``User`` in the registry: FAB's relationships name their own
    class by that string, and two of a name cannot be told apart. The same
    holds for ``Role``, ``Group`` and ``Permission``.
    """

    __tablename__ = "ab_user"
    __table_args__ = {"extend_existing": True}  # noqa: RUF012  # SQLAlchemy's own name, read and never changed
    __config_scope__ = "business"
    __grants__ = "SELECT, INSERT, UPDATE"

    home_agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"))
    locale: Mapped[str | None] = mapped_column()
    password_changed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    must_change_password: Mapped[bool] = mapped_column(server_default=false(), default=False)
    is_installation_admin: Mapped[bool] = mapped_column(server_default=false(), default=False)
    """May make and close agencies; a right of the installation, so it is in no agency's roles."""

    @property
    def name(self) -> str:
        """The whole name as it is written; the family name is not kept apart."""
        return str(self.first_name)


User = PlatformUser


class AgencyOwned:
    """Mixin of every table whose rows belong to one agency."""

    __row_level_security__ = True

    @declared_attr
    def agency_id(cls) -> Mapped[int]:  # noqa: N805
        """The agency that owns the row; always the one of the transaction."""
        return mapped_column(ForeignKey("agency.id"), primary_key=True)

    @declared_attr
    def id(cls) -> Mapped[int]:  # noqa: N805
        """Number within the installation, given by the database."""
        return mapped_column(BigInteger, Identity(), primary_key=True)


def within_agency(column: str, table: str, *, ondelete: str | None = None) -> ForeignKeyConstraint:
    """Refer to ``table`` by (agency_id, ``column``), so that no row can point into another agency."""
    return ForeignKeyConstraint(["agency_id", column], [f"{table}.agency_id", f"{table}.id"], ondelete=ondelete)
