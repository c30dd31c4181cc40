"""Which checks of alert books are there, and what do they look at?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from opsctl.alerts.book import Alert, Objective
from opsctl.alerts.load import AlertBooks, LoadedBook
from opsctl.alerts.rules import AlertRule, RuleSet
from opsctl.alerts.target import Target
from opsctl.core.lint_checks import LintChecks
from opsctl.metrics.contract import Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertProof:
    """The newest proof of an alert: whether it passed, how far it went, until when it counts, and of which rule."""

    passed: bool
    level: str
    expires_at: datetime
    rule_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LintContext:
    """Everything that checks may look at; what is not known (no dashboards, no ledger) is left out, not guessed.

    Args:
        books: what people wrote.
        rules: what it becomes.
        contract: which series there are, recorded ones included.
        target: the Prometheus that will read the rules.
        runbooks: the headings of each runbook by its file name; None where there is no folder of runbooks.
        panels: the keys of panels by dashboard; None where there are no dashboards.
        faults: names of the faults that can be made.
        proofs: the newest proof by alert; None where proofs are not to be looked at.
        digests: of the rules as they are now, by alert.
        kept_seconds: for how long the stack's Prometheus keeps what it measures; None where that is not known.
        now: for proofs and snoozes.
    """

    books: AlertBooks
    rules: RuleSet
    contract: Contract
    target: Target = field(default_factory=Target)
    runbooks: Mapping[str, tuple[str, ...]] | None = None
    panels: Mapping[str, frozenset[str]] | None = None
    faults: frozenset[str] = frozenset()
    proofs: Mapping[str, AlertProof] | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    kept_seconds: float | None = None
    now: datetime

    def written(self) -> Iterator[tuple[LoadedBook, str, Alert | Objective]]:
        """Yield every rule as it was written, with its book and name."""
        for loaded in self.books.books:
            for name, rule in loaded.book.rules.items():
                yield loaded, name, rule

    def alerts_of(self, rule: str) -> tuple[AlertRule, ...]:
        """Return what a rule became."""
        return self.rules.of_rule(rule)


CHECKS = LintChecks[LintContext]()
