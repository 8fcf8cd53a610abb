"""Agencies over HTTP."""

from __future__ import annotations

from typing import Any

from core.accounts import service
from core.accounts.models import Agency
from core.accounts.schemas import ActiveSchema, AgencyChangeSchema, AgencyPageSchema, AgencySchema, NewAgencySchema
from core.accounts.views.group import columns_of, read_page, routes
from core.http.paging import PageQuery
from core.http.routes import Answer
from core.http.work import Work


@routes.get("/agencies", answers={200: AgencyPageSchema}, query=PageQuery)
def list_agencies(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List the agencies that you may see: your own, or all for an administrator of the installation."""
    return read_page(work, service.visible_agencies(work.session, work.actor), [Agency.key], query, write_agency)


@routes.post("/agencies", body=NewAgencySchema, answers={201: AgencySchema}, errors=(409,))
def create_agency(work: Work, body: dict[str, Any]) -> Answer:
    """Make an agency (administrators of the installation)."""
    agency = service.found_agency(work.session, work.actor, body)
    return Answer(write_agency(agency), 201, etag=agency.version)


@routes.get("/agencies/<key>", answers={200: AgencySchema})
def show_agency(work: Work, key: str) -> Answer:
    """Show an agency."""
    return _answer(service.get_visible_agency(work.session, work.actor, key))


@routes.patch("/agencies/<key>", body=AgencyChangeSchema, answers={200: AgencySchema}, if_match=True)
def update_agency(work: Work, key: str, body: dict[str, Any], version: int) -> Answer:
    """Change an agency's title, map origin, time zone or settings."""
    agency = service.get_visible_agency(work.session, work.actor, key)
    return _answer(service.update_agency(work.session, work.actor, agency, body, version=version))


@routes.put("/agencies/<key>/active", body=ActiveSchema, answers={200: AgencySchema}, errors=(409,))
def set_agency_active(work: Work, key: str, body: dict[str, Any]) -> Answer:
    """Close or open an agency (administrators of the installation)."""
    agency = service.get_visible_agency(work.session, work.actor, key)
    return _answer(service.set_agency_active(work.session, work.actor, agency, active=body["active"]))


def write_agency(agency: Agency) -> dict[str, Any]:
    """Write an agency as the API shows it."""
    names = ("key", "title", "origin_lon", "origin_lat", "time_zone", "scheme_key", "settings", "active", "version")
    return columns_of(agency, *names)


def _answer(agency: Agency) -> Answer:
    return Answer(write_agency(agency), etag=agency.version)
