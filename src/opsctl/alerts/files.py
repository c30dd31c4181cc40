"""Which files do the books become: rules, tests, routes, a lock with all digests, and stubs of runbooks."""

import hashlib
import json
from collections.abc import Mapping

from opsctl.alerts.alertmanager import render_alertmanager
from opsctl.alerts.load import AlertBooks
from opsctl.alerts.prometheus_rules import render_rules
from opsctl.alerts.route_tests import render_route_tests
from opsctl.alerts.rules import AlertRule, RuleSet
from opsctl.alerts.target import Target
from opsctl.alerts.unit_tests.cases import cases_of
from opsctl.alerts.unit_tests.render import render_unit_tests
from opsctl.core.units import format_duration
from opsctl.metrics.contract import Contract

LOCK = "lock.json"


def render_files(
    books: AlertBooks, rules: RuleSet, *, target: Target, contract: Contract
) -> Mapping[str, str]:
    """Return every rendered file by its path, the lock with all digests last; the same books give the same bytes."""
    cases = cases_of(books, rules, contract=contract)
    files = {
        **{f"prometheus/rules/{name}.yml": text for name, text in render_rules(books, rules).items()},
        **{f"prometheus/tests/{name}.yml": text for name, text in render_unit_tests(rules, cases).items()},
        "alertmanager/alertmanager.yml": render_alertmanager(books, rules),
        "alertmanager/routes.yml": render_route_tests(books, rules),
    }
    return {**files, LOCK: _lock(books, files, target)}


def runbook_stub(rule: str, alerts: tuple[AlertRule, ...]) -> str:
    """Return the beginning of a runbook for somebody to finish; the mark says that nobody has."""
    first = alerts[0]
    notes = first.annotations
    within = format_duration(first.detect_within_seconds)
    return f"""<!-- stub: finish this, then remove this line -->
# {rule}

{notes["summary"]} Severity {first.severity}; comes within {within}.

## Meaning

{notes["description"]}

## Impact

{notes["impact"]}

## Diagnosis

1. See which parts run.

   ```sh
   opsctl stack status
   ```

## Mitigation

2. Say what to do first, and how to know that it helped.

   ```sh
   opsctl stack logs service
   ```
"""


def _lock(books: AlertBooks, files: Mapping[str, str], target: Target) -> str:
    sources = [*(loaded.source for loaded in books.books), books.delivery_source]
    named = {source.file.rpartition("/")[2]: source.text for source in sources}
    document = {
        "schema": "opsctl.alerts.lock/v1",
        "target": {"prometheus": str(target.version), "histograms": str(target.histograms)},
        "books": {name: _digest(text) for name, text in sorted(named.items())},
        "files": {path: _digest(text) for path, text in sorted(files.items())},
    }
    return json.dumps(document, indent=2) + "\n"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
