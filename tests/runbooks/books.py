"""A runbook that is whole, and the project around it, for tests that break one thing at a time."""

from typing import Any

from opsctl.core.findings import Location
from opsctl.runbooks.links import AlertNode
from opsctl.runbooks.lint.registry import LintContext
from opsctl.runbooks.model import README, VARIABLES, RecoveryFacts, RuleFacts, Runbook
from opsctl.runbooks.parse import parse_runbook

GOOD = """# cache_cold

The cache is cold.

| severity | told | panel | drill |
|---|---|---|---|
| warning | slack | `system/hits` | fault `cache_wiped`; `opsctl alerts prove cache_cold` makes it on a stack of its own |

## Meaning

Less is found than should be; see [what the cache holds](../caches.md#tiers).

## Impact

Feeds take longer.

## Diagnosis

1. See how much is found.

   ```sh
   curl -sG "$PROMETHEUS_URL/api/v1/query" --data-urlencode 'query=hits_total'
   ```

2. See the parts.

   ```sh
   opsctl stack status | head -3
   ```

## Mitigation

3. Start it again; [what it means](#meaning).

   ```sh
   # changes: stops the cache
   opsctl stack down cache && opsctl stack up cache
   ```

## Over

More is found.
"""

INDEX = """# Runbooks

| rule | severity | what it says |
|---|---|---|
| [cache_cold](cache_cold.md) | warning | The cache is cold. |
"""

RECOVERING = """# recover_cache_lost

The cache is lost.

| loses | told by | drill |
|---|---|---|
| cache | alert `cache_cold` | `opsctl dr drill cache_lost` loses it on a stack of its own, and does what stands below Mitigation |

## Meaning

It is gone.

## Impact

Feeds take longer.

## Diagnosis

1. See the parts.

   ```sh
   opsctl stack status
   ```

## Mitigation

2. Bring it back as it was then.

   ```sh
   # changes: starts the cache
   opsctl stack up cache && echo "as at $POINT"
   ```
"""

PLACE = Location(file="alerts/ranking.yaml", line=7, column=3, source="  cache_cold:")
FACTS = RuleFacts(
    name="cache_cold",
    file="cache_cold.md",
    summary="The cache is cold.",
    severities=("warning",),
    receivers=("slack",),
    panel="system/hits",
    fault="cache_wiped",
)
NODE = AlertNode(
    rule="cache_cold",
    location=PLACE,
    panel="system/hits",
    runbook="cache_cold.md",
    fault="cache_wiped",
    alerts=frozenset({"cache_cold"}),
)
LOSS = RecoveryFacts(
    name="cache_lost",
    title="The cache is lost",
    loses=("cache",),
    alert="cache_cold",
    book=Location(file="ops/recoveries/cache_lost.yaml", line=1),
)


def runbook(text: str = GOOD, *, name: str = "cache_cold") -> Runbook:
    """Return a parsed runbook."""
    return parse_runbook(name, text, file=f"docs/runbooks/{name}.md")


def context(text: str = GOOD, *, index: str = INDEX, **changes: Any) -> LintContext:
    """Return a project with this one runbook, everything else right."""
    known: dict[str, Any] = {
        "runbooks": {"cache_cold.md": runbook(text), README: runbook(index, name="README")},
        "rules": [FACTS],
        "nodes": [NODE],
        "panels": {"system/hits": frozenset({"cache_cold"})},
        "faults": frozenset({"cache_wiped"}),
        "codes": frozenset({"RBK001", "exit-codes"}),
        "variables": VARIABLES,
        "parses": lambda words: None if words[0] in ("stack", "alerts", "runbooks", "explain") else "no verb",
        "is_changing": lambda words: words[:2] in (["stack", "up"], ["stack", "down"]),
        "shell": lambda command: "no `fi`" if command.startswith("if ") else None,
        "promql": lambda expr: None if "hits_total" in expr else f"nobody exposes `{expr}`",
        "anchors": {"../caches.md": frozenset({"tiers"})}.get,
    }
    return LintContext(**(known | changes))
