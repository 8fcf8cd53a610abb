"""What a plugin's own models stand on."""

from core.db.base import AgencyOwned, Base, within_agency
from core.db.types import LTree, PointXY, UTCDateTime

__all__ = ["AgencyOwned", "Base", "LTree", "PointXY", "UTCDateTime", "within_agency"]
