"""The shell page of the browser workspace: one template, assets by Vite's manifest."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, render_template

STATIC = Path(__file__).parent.parent / "static" / "dist"
ENTRY = "src/main.ts"

blueprint = Blueprint("workspace", __name__, template_folder="../templates")


@blueprint.get("/", defaults={"path": ""})
@blueprint.get("/<path:path>")
def workspace(path: str) -> Response | str:
    """Serve the workspace for every address that is not the API's or a file's."""
    if path.startswith(("api/", "static/", "metrics")):
        abort(404)
    assets = _assets()
    if assets is None:
        return Response(
            "The workspace is not built yet: run `make assets`. 前端尚未构建：请运行 make assets。",
            503,
            content_type="text/plain; charset=utf-8",
        )
    return render_template("core/workspace.html", **assets)


def _assets() -> dict[str, Any] | None:
    manifest = STATIC / ".vite" / "manifest.json"
    return _read(manifest, manifest.stat().st_mtime_ns) if manifest.is_file() else None


@cache
def _read(manifest: Path, _changed: int) -> dict[str, Any]:
    entry = json.loads(manifest.read_text("utf-8"))[ENTRY]
    return {"script": f"/static/{entry['file']}", "styles": [f"/static/{name}" for name in entry.get("css", [])]}
