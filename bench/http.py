"""The measured requests: creating, moving, listing and finding, each beside its bare floor."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bench import servers
from bench.servers import Load
from bench.world import PASSWORD, World, photo_of_inspector, report_many

ROUNDS = 5


@contextmanager
def both(world: World) -> Iterator[tuple[str, str]]:
    """Run the product and the floor side by side; only one is loaded at a time."""
    with (
        servers.serve_product(world.env) as product,
        servers.serve_floor("bench.floor:create_app", {"BENCH_DATABASE": world.address()}) as floor,
    ):
        yield product, floor


def token(product: str, username: str) -> str:
    """Sign in; give the access token."""
    import urllib.request  # noqa: PLC0415

    body = json.dumps({"username": username, "password": PASSWORD, "provider": "db"}).encode()
    request = urllib.request.Request(f"{product}/api/v1/security/login", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        found: str = json.load(answer)["access_token"]
    return found


def _in_turn(measure: Callable[[], Load], floor: Callable[[], Load]) -> dict[str, Any]:
    """Measure product and floor in turn; give the medians, and the median of the rounds' ratios.

    The two of a round lie seconds apart, so that what else the machine does
    weighs on both. The first round fills the caches and does not count.
    """
    rounds = [(floor(), measure()) for _ in range(ROUNDS + 1)][1:]
    bare, ours = zip(*rounds, strict=True)
    return {
        "rate": round(statistics.median(one.rate for one in ours), 1),
        "floor": round(statistics.median(one.rate for one in bare), 1),
        "ratio": round(statistics.median(two.rate / one.rate for one, two in rounds), 3),
        "p50_ms": round(statistics.median(one.p50_ms for one in ours), 2),
        "p99_ms": round(statistics.median(one.p99_ms for one in ours), 2),
        "cpu_ms": round(statistics.median(one.cpu_ms for one in ours), 3),
        "floor_cpu_ms": round(statistics.median(one.cpu_ms for one in bare), 3),
        "errors": dict(sum((Counter(one.errors) for one in [*ours, *bare]), Counter())),
        "rounds": [[round(two.rate, 1), round(one.rate, 1)] for one, two in rounds],
    }


def create(world: World, product: str, floor: str) -> dict[str, Any]:
    """Create a case: sign-in, scope, form, location, number, limit, event, audit."""
    return _in_turn(creating(world, product), lambda: servers.load(floor, script=_FLOOR_INSERT))


def creating(world: World, product: str) -> Callable[[], Load]:
    """Give the load that creates cases."""
    photo = photo_of_inspector(world)
    headers = _lua_headers({"Authorization": f"Bearer {token(product, 'inspector')}", "Content-Type": "application/json"})
    script = f"""
local head = {headers}
request = function()
  local body = string.format('{{"workflow":"urban_mgmt.case","data":{{"source":"inspector","kind":"event","event_class":"e0113","description":"路面破损约一平方米","position":{{"lon":%.6f,"lat":%.6f,"accuracy":6}},"photos":["{photo}"]}}}}', 116.405 + math.random() * 0.01, 39.91 + math.random() * 0.01)
  return wrk.format("POST", "/api/v1/cases", head, body)
end
"""
    return lambda: servers.load(product, script=script)


def move(world: World, product: str, floor: str) -> dict[str, Any]:
    """Take one step (file) of as many waiting cases, each once."""
    return _in_turn(moving(world, product), lambda: servers.load(floor, script=_FLOOR_INSERT))


def moving(world: World, product: str) -> Callable[[], Load]:
    """Give the load that moves cases; the cases are made before each."""
    headers = {"Authorization": f"Bearer {token(product, 'duty_lead')}", "Content-Type": "application/json", "If-Match": '"1"'}

    def measured() -> Load:
        numbers = report_many(world, 2_000 * servers.SECONDS)
        script = f"""
local head = {_lua_headers(headers)}
local numbers = {{ {",".join(f'"{number}"' for number in numbers)} }}
local at = 0
request = function()
  at = at + 1
  return wrk.format("POST", "/api/v1/cases/" .. numbers[((at - 1) % #numbers) + 1] .. "/transitions", head, '{{"transition":"file","data":{{"condition":"e011301"}}}}')
end
"""
        return servers.load(product, script=script)

    return measured


def newest(world: World, product: str, floor: str) -> dict[str, Any]:
    """List the newest 25 open cases in one street."""
    headers = _lua_headers({"Authorization": f"Bearer {token(product, 'street_reader')}"})
    ours = f"wrk.headers = {headers}"
    return _in_turn(
        lambda: servers.load(f"{product}/api/v1/cases?open=true&limit=25", script=ours),
        lambda: servers.load(f"{floor}/newest?agency={world.agency_id}&path={world.path}"),
    )


def component(world: World, product: str, floor: str) -> dict[str, Any]:
    """Find a component by its code."""
    headers = {"Authorization": f"Bearer {token(product, 'evaluator')}"}
    code = "1101010101000001"
    servers.get(f"{product}/api/v1/ledgers/urban_mgmt.component/records/{code}", headers)
    return _in_turn(
        lambda: servers.load(
            f"{product}/api/v1/ledgers/urban_mgmt.component/records/{code}", script=f"wrk.headers = {_lua_headers(headers)}"
        ),
        lambda: servers.load(f"{floor}/component/{code}?agency={world.agency_id}"),
    )


def _lua_headers(headers: dict[str, str]) -> str:
    return "{" + ", ".join(f'["{name}"] = [[{value}]]' for name, value in headers.items()) + "}"


_FLOOR_INSERT = """
local head = {["Content-Type"] = "application/json"}
request = function()
  local body = string.format('{"title":"路面破损","grid_id":%d,"lon":%.6f,"lat":%.6f,"description":"路面破损约一平方米"}', math.random(1, 4200), 116.405 + math.random() * 0.01, 39.91 + math.random() * 0.01)
  return wrk.format("POST", "/insert", head, body)
end
"""
