"""Plugins over HTTP: what is installed, what is on, what failed, whose definitions were left out."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from core.authz import require_anywhere
from core.http.routes import Routes
from core.http.work import Work
from core.lib.text import say
from core.pluginmanager import service, unsound
from core.pluginmanager.manager import plugins
from core.pluginmanager.permissions import PluginRight

routes = Routes("plugins")


class PluginSchema(Schema):
    """One installed plugin, as the acting agency sees it."""

    key = fields.String(required=True)
    title = fields.String(required=True)
    version = fields.String(required=True)
    enabled = fields.Boolean(required=True)
    unsound = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why its present definition files are not in force, but the versions before; null when they are."},
    )


class FailedPluginSchema(Schema):
    """A plugin that was skipped at start."""

    key = fields.String(required=True)
    reason = fields.String(required=True)


class PluginListSchema(Schema):
    """Every installed plugin, and those that were skipped."""

    items = fields.List(fields.Nested(PluginSchema), required=True)
    failed = fields.List(fields.Nested(FailedPluginSchema), required=True)


class PluginSwitchSchema(Schema):
    """Whether the plugin shall be on."""

    enabled = fields.Boolean(required=True, truthy={True}, falsy={False})


@routes.get("/plugins", answers={200: PluginListSchema})
def list_plugins(work: Work) -> dict[str, Any]:
    """List the installed plugins and whether they are on for your agency."""
    require_anywhere(work.actor, PluginRight.READ)
    found = plugins()
    on = found.enabled(work.session)
    left_out = unsound.list_unsound(work.session)
    items = [
        {
            "key": key,
            "title": say(manifest.title, work.locale),
            "version": manifest.version,
            "enabled": key in on,
            "unsound": unsound.reason(left_out[key]).text(work.locale) if key in left_out else None,
        }
        for key, manifest in found.manifests.items()
    ]
    return {"items": items, "failed": [{"key": one.key, "reason": one.reason} for one in found.failed]}


@routes.put("/plugins/<key>", body=PluginSwitchSchema, answers={200: PluginSwitchSchema})
def switch_plugin(work: Work, key: str, body: dict[str, Any]) -> dict[str, Any]:
    """Switch a plugin on or off for your agency."""
    service.switch(work.session, work.actor, plugins(), key, enabled=body["enabled"])
    return {"enabled": body["enabled"]}
