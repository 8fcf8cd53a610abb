"""Starting a server for a measurement, loading it with wrk, and counting the CPU that its processes took."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

WORKERS, THREADS = 2, 2
SECONDS = int(os.environ.get("BENCH_SECONDS", "8"))
CONNECTIONS = 16


@dataclass(frozen=True)
class Load:
    """What wrk saw, and what the server's processes used for it."""

    rate: float
    errors: dict[str, int]
    """How many of which kind: ``connect``, ``read``, ``write``, ``status``, ``timeout``; empty when all went well."""
    p50_ms: float
    p99_ms: float
    cpu_ms: float


@contextmanager
def serve_floor(factory: str, env: dict[str, str]) -> Iterator[str]:
    """Run ``factory`` under granian on a free port, with as many workers and threads as the product; give its address."""
    port = _free_port()
    command = [
        "granian", "--interface", "wsgi", "--factory", "--host", "127.0.0.1", "--port", str(port), "--workers", str(WORKERS),
        "--blocking-threads", str(THREADS), "--backpressure", "256", "--no-ws", "--log-level", "warning", factory,
    ]  # fmt: skip
    with _running(command, port, env) as address:
        yield address


@contextmanager
def serve_product(env: dict[str, str]) -> Iterator[str]:
    """Run the product's own web process on a free port; give its address."""
    port = _free_port()
    given = {"WANGGE_PORT": str(port), "WANGGE_WEB_WORKERS": str(WORKERS), "WANGGE_WEB_THREADS": str(THREADS)}
    with _running(["core.supervisor.web"], port, env | given) as address:
        yield address


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def _running(module: list[str], port: int, env: dict[str, str]) -> Iterator[str]:
    process = subprocess.Popen([sys.executable, "-m", *module], env={**os.environ, **env})
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.1)
        else:
            time.sleep(1.0)
            return
    raise SystemExit("the server did not start")


def load(url: str, *, script: str = "", seconds: int = SECONDS, connections: int = CONNECTIONS) -> Load:
    """Load ``url`` with wrk on one thread, bounded in time."""
    if shutil.which("wrk") is None:
        raise SystemExit("bench needs wrk: apt-get install wrk")
    port = int(url.split(":")[2].split("/", maxsplit=1)[0])
    with tempfile.NamedTemporaryFile("w", suffix=".lua", delete=False) as file:
        file.write(script + _REPORT)
    command = ["wrk", "-t1", f"-c{connections}", "--latency", "-s", file.name]
    before = _cpu(port)
    out = subprocess.run([*command, f"-d{seconds}s", url], check=True, capture_output=True, text=True).stdout
    used = _cpu(port) - before
    Path(file.name).unlink()
    told = json.loads(re.search(r"BENCH (\{.*\})", out)[1])  # type: ignore[index]
    rate = told["requests"] / told["seconds"]
    errors = {kind: count for kind, count in told["errors"].items() if count}
    return Load(rate, errors, told["p50"], told["p99"], used * 1000 / max(1, told["requests"]))


def _cpu(port: int) -> float:
    """Add up user and system seconds of the processes that serve ``port``."""
    owner = next(c.pid for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == port and c.status == "LISTEN" and c.pid)
    top = psutil.Process(owner)
    while (parent := top.parent()) and ("granian" in (words := " ".join(parent.cmdline())) or "core.supervisor.web" in words):
        top = parent
    return sum(sum(one.cpu_times()[:2]) for one in [top, *top.children(recursive=True)])


def get(url: str, headers: dict[str, str]) -> bytes:
    """Fetch once, to be sure that what is measured works."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        body: bytes = answer.read()
    return body


_REPORT = """
done = function(summary, latency, requests)
  local e = summary.errors
  local errors = string.format('{"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}', e.connect, e.read, e.write, e.status, e.timeout)
  io.write(string.format('BENCH {"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "errors": %s}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, errors))
end
"""
