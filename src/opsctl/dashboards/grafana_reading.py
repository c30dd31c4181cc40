"""What does Grafana's own schema know: its units, and what of a dashboard is lost when it is read back?"""

import json
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any


@cache
def known_units() -> frozenset[str]:
    """Return the units that Grafana knows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from grafana_foundation_sdk.models import units

    return frozenset(
        value for name, value in vars(units).items() if not name.startswith("_") and isinstance(value, str)
    )


def read_back(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the keys that Grafana's SDK loses when it reads a dashboard and writes it again."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from grafana_foundation_sdk.cog.plugins import register_default_plugins
        from grafana_foundation_sdk.models import dashboard

        register_default_plugins()
        again = json.loads(JSONEncoder(sort_keys=True).encode(dashboard.Dashboard.from_json(dict(document))))
    return frozenset(_lost(document, again, ""))


def _lost(before: Any, after: Any, path: str) -> Iterator[str]:
    if isinstance(before, Mapping):
        for key, value in before.items():
            if not isinstance(after, Mapping) or key not in after:
                yield f"{path}.{key}".lstrip(".")
            else:
                yield from _lost(value, after[key], f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list):
        for index, (one, other) in enumerate(zip(before, after, strict=False)):
            yield from _lost(one, other, f"{path}[{index}]")
