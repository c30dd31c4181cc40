"""How qdrant_client's models are imported in a third of the time: without the client that surrounds them."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def skip_client_imports() -> None:
    """Let `qdrant_client.http.models` be imported without running `qdrant_client/__init__` (0.3 s instead of 1.1 s).

    Only for the vector node's own processes, which use nothing but the models: both parent packages are
    replaced by empty ones with the same search path.
    """
    spec = importlib.util.find_spec("qdrant_client")
    if spec is None or spec.origin is None or "qdrant_client" in sys.modules:
        return
    root = Path(spec.origin).parent
    for name, path in (("qdrant_client", root), ("qdrant_client.http", root / "http")):
        package = ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules[name] = package
