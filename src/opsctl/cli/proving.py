"""With what does `alerts prove` work: ground, watchers, faults, and the ledger in which each proof is kept."""

from typing import TYPE_CHECKING

from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from opsctl.alerts.load import AlertBooks
    from opsctl.alerts.proving.evidence import Circumstances
    from opsctl.alerts.proving.model import Proof, ProofPlan
    from opsctl.alerts.proving.run import Conduct, QuietDrill
    from opsctl.alerts.rules import AlertRule, RuleSet
    from opsctl.cli.proving_ground import ProvingGround
    from opsctl.cli.proving_watchers import LiveWatchers
    from opsctl.core.events import Listener

# Windows and caches fill; the first seconds after the start are no steady state.
_SETTLE_SECONDS = 15.0


def prove(
    plan: "ProofPlan",
    *,
    books: "AlertBooks",
    rules: "RuleSet",
    quiet_seconds: float,
    listener: "Listener",
) -> "tuple[QuietDrill, tuple[Proof, ...]]":
    """Hold every drill of a plan on a ground of its own, and keep each proof in the ledger as soon as it is there."""
    from opsctl.alerts.proving.evidence import proof_evidence, quiet_evidence
    from opsctl.alerts.proving.run import Prover
    from opsctl.cli import proving_setup, wiring

    clock, settings = wiring.clock(), wiring.settings()
    began_at, began = clock.now(), clock.monotonic()
    with proving_setup.proving_ground(settings, clock=clock, listener=listener) as ground:
        proving_setup.tell_of_ground(listener, ground)
        clock.sleep(_SETTLE_SECONDS)
        watchers = proving_setup.watch(ground, books=books, rules=rules, clock=clock)
        prover = Prover(
            watchers=watchers,
            faults=_Faults(ground),
            clock=clock,
            listener=listener,
            conduct=_conduct(books, quiet_seconds=quiet_seconds),
        )
        tools = _tools(watchers)
        quiet = prover.stay_quiet()
        circumstances = _circumstances(began_at, clock.monotonic() - began, tools)
        wiring.record(quiet_evidence(quiet, rules=rules, circumstances=circumstances))
        proofs = []
        for proof in prover.prove(plan):
            proofs.append(proof)
            alert = rules.alert(proof.alert)
            if alert is not None:
                circumstances = _circumstances(began_at, clock.monotonic() - began, tools)
                evidence = proof_evidence(proof, alert=alert, rules=rules, circumstances=circumstances)
                wiring.record(evidence)
    return quiet, tuple(proofs)


def exit_code(quiet: "QuietDrill", proofs: "Sequence[Proof]") -> ExitCode:
    """Return 0 only where every proof passed, and nothing fired without a fault."""
    from opsctl.alerts.proving.judge import worst
    from opsctl.evidence.model import Verdict

    if quiet.fired:
        return ExitCode.BAD_VERDICT
    codes = {
        Verdict.PASS: ExitCode.GOOD,
        Verdict.FAIL: ExitCode.BAD_VERDICT,
        Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    }
    return codes[worst([proof.verdict for proof in proofs])]


class _Faults:
    """Makes faults of the catalogue on a ground (`alerts.proving.ports.Faults`)."""

    def __init__(self, ground: "ProvingGround") -> None:
        self._ground = ground

    def apply(self, fault: str) -> None:
        """Make a fault."""
        from opsctl.chaos.registry import fault_named

        fault_named(fault).apply(self._ground)

    def undo(self, fault: str) -> None:
        """Take it back."""
        from opsctl.chaos.registry import fault_named

        fault_named(fault).undo(self._ground)


def _conduct(books: "AlertBooks", *, quiet_seconds: float) -> "Conduct":
    from opsctl.alerts.book import Objective
    from opsctl.alerts.detection import Intervals, predict_alert, predict_tier
    from opsctl.alerts.proving.run import Conduct
    from opsctl.alerts.signals import AlwaysSignal
    from opsctl.cli import wiring
    from opsctl.core.units import parse_duration

    clock, intervals = wiring.clock(), Intervals.of(books.delivery.timing)
    started = clock.monotonic()

    def predict(alert: "AlertRule") -> float | None:
        """Return what the arithmetic says for windows that only reach back to the start of this ground."""
        source = books.rule(alert.rule)
        history = clock.monotonic() - started
        if isinstance(source, Objective):
            tier = source.tiers.get(alert.tier or "")
            return predict_tier(source, tier, intervals=intervals, history_seconds=history) if tier else None
        return predict_alert(source, intervals=intervals, history_seconds=history) if source else None

    def looks_back_seconds(alert: "AlertRule") -> float:
        """Return the shorter window of a budget: with the fault out of it the alert is over."""
        source = books.rule(alert.rule)
        tier = source.tiers.get(alert.tier or "") if isinstance(source, Objective) else None
        return parse_duration(tier.short) if tier else 0.0

    always = frozenset(
        name
        for loaded in books.books
        for name, rule in loaded.book.rules.items()
        if not isinstance(rule, Objective) and isinstance(rule.signal, AlwaysSignal)
    )
    return Conduct(
        always=always, predict=predict, quiet_seconds=quiet_seconds, looks_back_seconds=looks_back_seconds
    )


def _tools(watchers: "LiveWatchers") -> dict[str, str]:
    return {"prometheus": watchers.prometheus.version(), "alertmanager": watchers.alertmanager.version()}


def _circumstances(began_at: "datetime", seconds: float, tools: dict[str, str]) -> "Circumstances":
    from opsctl.alerts.proving.evidence import Circumstances
    from opsctl.cli.proving_setup import SIMULATED

    return Circumstances(started_at=began_at, duration_seconds=seconds, tools=tools, simulated=SIMULATED)
