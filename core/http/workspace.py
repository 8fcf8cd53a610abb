"""The shell page of the browser workspace: one template, assets by Vite's manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, render_template
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter

STATIC = Path(__file__).parent.parent / "static" / "dist"
ENTRY = "src/main.ts"
_PAGE = "core/workspace.html"

blueprint = Blueprint("workspace", __name__, template_folder="../templates")


@blueprint.record
def _add_converter(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["screen"] = _Screen


class _Screen(BaseConverter):
    """A path that is a screen's: the API's own addresses must tell their methods, which a rule for everything would hide."""

    part_isolating = False
    regex = r"(?!(?:api|static|metrics)(?:/|$)).+"
    weight = 300


@blueprint.get("/", defaults={"path": ""})
@blueprint.get("/<screen:path>")
def workspace(path: str) -> Response | str:  # noqa: ARG001 - the screens are the browser's own affair
    """Serve the workspace for every address that is not the API's or a file's."""
    assets = _assets()
    if assets is None:
        return Response(
            "The workspace is not built yet: run `make assets`. 前端尚未构建：请运行 make assets。",
            503,
            content_type="text/plain; charset=utf-8",
        )
    return render_template(_PAGE, **assets)


@blueprint.get("/service-worker.js")
def service_worker() -> Response:
    """Serve the script that keeps the first page for where there is no network.

    It tells what belongs to this build, so that each build has another script: a browser looks for a
    changed one with every page, and takes it at once.
    """
    assets = _assets()
    if assets is None:
        abort(404)
    files = [*assets["styles"], *assets["preloads"], assets["script"]]
    version = sha256(render_template(_PAGE, **assets).encode()).hexdigest()[:16]
    shell = json.dumps({"version": version, "page": "/sign-in", "files": files})
    script = f"const SHELL = {shell};\n{(STATIC / 'service-worker.js').read_text('utf-8')}"
    return Response(script, content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"})


def _assets() -> dict[str, Any] | None:
    manifest = STATIC / ".vite" / "manifest.json"
    return _read(manifest, manifest.stat().st_mtime_ns) if manifest.is_file() else None


@cache
def _read(manifest: Path, _changed: int) -> dict[str, Any]:
    chunks = json.loads(manifest.read_text("utf-8"))
    # What the entry imports at once has styles of its own; the page must link them all.
    first = list(_first_chunks(chunks, ENTRY, set()))
    return {
        "script": f"/static/{chunks[ENTRY]['file']}",
        "styles": [f"/static/{name}" for chunk in first for name in chunk.get("css", [])],
        "preloads": [f"/static/{chunk['file']}" for chunk in first[:-1]],
    }


def _first_chunks(chunks: dict[str, Any], name: str, seen: set[str]) -> Iterator[dict[str, Any]]:
    seen.add(name)
    for inner in chunks[name].get("imports", []):
        if inner not in seen:
            yield from _first_chunks(chunks, inner, seen)
    yield chunks[name]
