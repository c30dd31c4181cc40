"""How the embedded vector node is started and asked whether it is ready."""

import http.client
import sys
from importlib.util import find_spec
from pathlib import Path

from opsctl.stack.model import Part, PartName, PartSpec, Place, stack_dir
from opsctl.stack.ports import HOST, choose_port

_PROBE_TIMEOUT_SECONDS = 2.0
_NEEDED = ("qdrant_edge", "granian", "uvloop")


def plan_place(home: Path, recorded: Place | None) -> Place:
    """Decide folder and port; the recorded port is kept when it is free."""
    return Place(
        port=choose_port(owner=f"{home}:vectors", recorded=recorded.port if recorded else None),
        data_dir=stack_dir(home) / "vectors",
    )


def specify(_home: Path, place: Place) -> PartSpec:
    """Return how this vector node is run."""
    return PartSpec(
        name=PartName.VECTORS,
        place=place,
        argv=(
            *(sys.executable, "-m", "opsctl.stack.vector_node"),
            *("--host", HOST, "--port", str(place.port), "--data", str(place.data_dir)),
        ),
        url=url(place.port),
        prepare=lambda: place.data_dir.mkdir(parents=True, exist_ok=True),
        not_ready_because=lambda: _not_ready_because(place.port),
        finish=lambda: None,
        passing_troubles=("Address already in use",),
    )


def missing_because() -> str | None:
    """Return the reason why the vector node cannot be run here; None where it can."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    return f"the extra `opsctl[local]` is not installed: no {', '.join(missing)}" if missing else None


def url(port: int) -> str:
    """Return the REST address."""
    return f"http://{HOST}:{port}"


def _not_ready_because(port: int) -> str | None:
    connection = http.client.HTTPConnection(HOST, port, timeout=_PROBE_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"GET /readyz: {error}"
    finally:
        connection.close()
    return None if answer.status == http.client.OK else f"GET /readyz answered {answer.status}"


PART = Part(
    name=PartName.VECTORS,
    plan_place=plan_place,
    specify=specify,
    url=url,
    missing_because=missing_because,
    extra="local",
)
