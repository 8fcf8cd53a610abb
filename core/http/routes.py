"""Routes: declared once, and from that served, checked and documented.

A view is a plain function ``(work, **path, body=…, query=…, version=…)``. The
frame reads the request, finds the actor, opens one unit of work, calls the
view, commits and answers; a view that raises leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema

View = Callable[..., Any]
SchemaLike = type[Schema] | Schema | None


@dataclass(frozen=True)
class Answer:
    """What a view answers when a bare dict does not say enough."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: int | str | None = None
    content_type: str | None = None
    """Set for anything but JSON; ``body`` is then bytes or an iterable of bytes."""


@dataclass(frozen=True)
class Route:
    """One method of one path, with everything the document needs."""

    method: str
    path: str
    view: View
    group: str
    answers: Mapping[int, SchemaLike | str]
    """Schema of each success status; a string is a content type other than JSON, or several with | between them."""
    errors: tuple[int, ...] = ()
    query: SchemaLike = None
    body: SchemaLike = None
    upload: SchemaLike = None
    """Multipart form fields; the files come as ``files``."""
    idempotent: bool = False
    if_match: bool = False
    public: bool = False
    for_agency: bool = True
    """False for routes that need a sign-in but no role in an agency (``/me/…``)."""
    plugin: str | None = None
    """The plugin that must be switched on, else 404."""

    @property
    def name(self) -> str:
        """The operation's id, unique in the document."""
        return f"{self.group}.{self.view.__name__}"

    @property
    def summary(self) -> str:
        """First line of the view's docstring."""
        return (self.view.__doc__ or self.view.__name__).strip().splitlines()[0]


class Routes:
    """The routes of one package, mounted under ``/api/v1``."""

    def __init__(self, group: str, *, plugin: str | None = None) -> None:
        self.group, self.plugin = group, plugin
        self.all: list[Route] = []

    def add(self, method: str, path: str, **options: Any) -> Callable[[View], View]:
        """Declare a route; ``options`` are the fields of :class:`Route`."""

        def register(view: View) -> View:
            self.all.append(Route(method=method, path=path, view=view, group=self.group, plugin=self.plugin, **options))
            return view

        return register

    def get(self, path: str, **options: Any) -> Callable[[View], View]:
        """Declare a GET."""
        return self.add("GET", path, **options)

    def post(self, path: str, **options: Any) -> Callable[[View], View]:
        """Declare a POST."""
        return self.add("POST", path, **options)

    def put(self, path: str, **options: Any) -> Callable[[View], View]:
        """Declare a PUT."""
        return self.add("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Callable[[View], View]:
        """Declare a PATCH."""
        return self.add("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Callable[[View], View]:
        """Declare a DELETE."""
        return self.add("DELETE", path, **options)
