"""What a plugin's own routes stand on."""

from core.http.paging import PageQuery, page_schema
from core.http.routes import Answer, Routes
from core.http.work import Work

__all__ = ["Answer", "PageQuery", "Routes", "Work", "page_schema"]
