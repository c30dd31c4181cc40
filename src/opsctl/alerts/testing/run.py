"""Do rules and routes do what they should: every case by promtool, every route by amtool, and mutants that must not pass."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from opsctl.alerts.alertmanager import render_alertmanager
from opsctl.alerts.compile import compile_rules
from opsctl.alerts.load import AlertBooks
from opsctl.alerts.prometheus_rules import file_of, render_rules
from opsctl.alerts.route_tests import labels_of, wrong_ways
from opsctl.alerts.rules import AlertRule, RuleSet
from opsctl.alerts.target import Target
from opsctl.alerts.testing.mutants import Mutant, mutants_of, with_rule
from opsctl.alerts.unit_tests.cases import cases_of
from opsctl.alerts.unit_tests.model import Case, CaseKind
from opsctl.alerts.unit_tests.render import render_cases, render_unit_tests
from opsctl.clients.alertmanager_keys import too_old_for
from opsctl.clients.watch_tools import amtool, promtool, tool_version
from opsctl.core.clock import Clock
from opsctl.core.events import Listener, PhaseAdvanced
from opsctl.core.findings import Finding, Severity
from opsctl.core.phases import told_phase
from opsctl.evidence.model import Verdict
from opsctl.metrics.contract import Contract

_AT_ONCE = 2
_NEEDED = (CaseKind.FIRES, CaseKind.BELOW, CaseKind.NO_DATA)
_ALWAYS_FIRING = "vector(1)"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestReport:
    """What tests showed.

    Args:
        cases: how many cases of each alert ran.
        findings: what failed, and as a warning what could not be looked at.
        mutants: how many wrong rules were tried.
        survivors: those that no test noticed.
    """

    cases: Mapping[str, int]
    findings: tuple[Finding, ...]
    mutants: int = 0
    survivors: tuple[Mutant, ...] = ()

    @property
    def failures(self) -> int:
        """Return how many findings say that something is wrong."""
        return sum(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def verdict(self) -> Verdict:
        """Return inconclusive where nothing failed, and something could not be looked at."""
        if self.failures:
            return Verdict.FAIL
        return Verdict.INCONCLUSIVE if self.findings else Verdict.PASS

    @property
    def mutation_score(self) -> float | None:
        """Return the part of the wrong rules that a test noticed; None where none was tried."""
        return 1 - len(self.survivors) / self.mutants if self.mutants else None


class RuleTester:
    """Tests the rules of some books; needs promtool and amtool."""

    def __init__(
        self, books: AlertBooks, rules: RuleSet, *, contract: Contract, listener: Listener, clock: Clock
    ) -> None:
        self._books = books
        self._rules = rules
        self._listener = listener
        self._clock = clock
        self._alerts = {alert.name: alert for alert in rules.alerts}
        self._cases = cases_of(books, rules, contract=contract)

    def test(self, alerts: Sequence[AlertRule], *, mutation: bool) -> TestReport:
        """Run the cases of these alerts, the routes of all, and where asked for the mutants."""
        chosen = {alert.name for alert in alerts}
        cases = [case for case in self._cases if case.alert in chosen]
        ran, failing = self._run(cases)
        findings = [*self._uncovered(alerts, cases), *failing, *self._wrong_routes()]
        mutants = self._mutants(chosen) if mutation else []
        survivors = self._survivors(mutants)
        counts = {alert.name: sum(case.alert == alert.name for case in ran) for alert in alerts}
        return TestReport(
            cases=counts, findings=tuple(findings), mutants=len(mutants), survivors=tuple(survivors)
        )

    def _uncovered(self, alerts: Sequence[AlertRule], cases: Sequence[Case]) -> Iterator[Finding]:
        for alert in alerts:
            kinds = {case.kind for case in cases if case.alert == alert.name}
            missing = [kind for kind in _NEEDED if kind not in kinds]
            if alert.expr == _ALWAYS_FIRING or (
                alert.expr.startswith("absent(") and CaseKind.NO_DATA in kinds
            ):
                missing = [] if kinds else missing
            if missing:
                what = ", ".join(str(kind) for kind in missing)
                yield _finding("ALR060", f"{alert.name} has no case: {what}", alert)

    def _run(self, cases: Sequence[Case]) -> tuple[Sequence[Case], list[Finding]]:
        """Return the cases that ran, and what failed; none runs where promtool does not take the rules."""
        files = render_unit_tests(self._rules, cases)
        with (
            self._phase("rules", total=len(files), unit="files") as figures,
            tempfile.TemporaryDirectory(prefix="opsctl-rules-") as name,
        ):
            folder = Path(name)
            rule_files = render_rules(self._books, self._rules)
            _write(folder / "rules", rule_files)
            _write(folder / "tests", files)
            checked = promtool(
                "check", "rules", *(f"./{each}.yml" for each in rule_files), folder=folder / "rules"
            )
            if not checked.is_good:
                refused = Finding(
                    code="ALR061",
                    severity=Severity.ERROR,
                    title="promtool refuses the rules",
                    evidence=checked.text.strip()[:2000],
                )
                return (), [refused]

            def run(file: str) -> tuple[str, bool, str]:
                answer = promtool("test", "rules", f"./{file}.yml", folder=folder / "tests")
                self._listener(PhaseAdvanced(subject="rules", phase="test", advance=1))
                return file, answer.is_good, answer.text

            with ThreadPoolExecutor(_AT_ONCE) as pool:
                results = list(pool.map(run, files))
            figures["cases"] = len(cases)
        return cases, [found for file, good, text in results if not good for found in self._told(file, text)]

    def _told(self, file: str, text: str) -> Iterator[Finding]:
        """Yield a finding for each alert that promtool names; the whole text where it names none."""
        named = [
            alert
            for name, alert in self._alerts.items()
            if f'alertname="{name}"' in text or f'"{name}"' in text.replace('\\"', '"')
        ]
        for alert in named:
            yield _finding(
                "ALR061", f"{alert.name} fails its unit tests", alert, evidence=text.strip()[:2000]
            )
        if not named:
            yield Finding(
                code="ALR061",
                severity=Severity.ERROR,
                title=f"the unit tests `{file}` fail",
                evidence=text.strip()[:2000],
            )

    def _wrong_routes(self) -> Iterator[Finding]:
        for alert, what in wrong_ways(self._books, self._rules):
            yield _finding("ALR062", f"{alert.name} {what}", alert)
        with (
            self._phase("routes", total=len(self._rules.alerts), unit="alerts"),
            tempfile.TemporaryDirectory(prefix="opsctl-routes-") as name,
        ):
            folder = Path(name)
            text = render_alertmanager(self._books, self._rules)
            too_old = too_old_for(text, program="amtool", version=tool_version("amtool"))
            if too_old:
                title = f"{too_old}, so it was not asked where alerts go"
                yield Finding(code="ALR063", severity=Severity.WARNING, title=title, fix=too_old.fix)
                return
            (folder / "alertmanager.yml").write_text(text)
            checked = amtool("check-config", "alertmanager.yml", folder=folder)
            if not checked.is_good:
                yield Finding(
                    code="ALR062",
                    severity=Severity.ERROR,
                    title="amtool refuses the configuration",
                    evidence=checked.text.strip()[:2000],
                )
                return
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                yield from (
                    found
                    for found in pool.map(lambda each: self._route(each, folder), self._rules.alerts)
                    if found
                )

    def _route(self, alert: AlertRule, folder: Path) -> Finding | None:
        labels = [f"{label}={value}" for label, value in labels_of(alert).items()]
        wanted = ",".join(alert.receivers) or "nobody"
        answer = amtool(
            *("config", "routes", "test", "--config.file=alertmanager.yml", f"--verify.receivers={wanted}"),
            *labels,
            folder=folder,
        )
        self._listener(PhaseAdvanced(subject="routes", phase="test", advance=1))
        if answer.is_good:
            return None
        return _finding(
            "ALR062",
            f"amtool sends {alert.name} another way than {wanted}",
            alert,
            evidence=answer.text.strip(),
        )

    def _mutants(self, chosen: set[str]) -> list[Mutant]:
        return [
            mutant
            for loaded in self._books.books
            for name, rule in loaded.book.rules.items()
            for mutant in mutants_of(name, rule)
            if mutant.alert in chosen
        ]

    def _survivors(self, mutants: Sequence[Mutant]) -> list[Mutant]:
        if not mutants:
            return []

        def survives(mutant: Mutant) -> bool:
            lives = self._survives(mutant)
            self._listener(PhaseAdvanced(subject="mutants", phase="test", advance=1))
            return lives

        with (
            self._phase("mutants", total=len(mutants), unit="mutants") as figures,
            ThreadPoolExecutor(_AT_ONCE) as pool,
        ):
            alive = [
                mutant for mutant, lives in zip(mutants, pool.map(survives, mutants), strict=True) if lives
            ]
            figures["survived"] = len(alive)
        return alive

    @contextmanager
    def _phase(self, subject: str, *, total: int, unit: str) -> Iterator[dict[str, str | int | float]]:
        """Tell when a part of the tests begins, and how long it took; what is put into the figures is told with it."""
        with told_phase(
            subject, "test", listener=self._listener, clock=self._clock, total=total, unit=unit
        ) as under_way:
            yield under_way.figures

    def _survives(self, mutant: Mutant) -> bool:
        """Tell whether all tests of the right rule pass with the wrong one."""
        rules = self._wrong(mutant)
        wrong = rules.alert(mutant.alert)
        if wrong is None:
            return False
        alone = RuleSet(
            alerts=(wrong,), recordings=tuple(each for each in rules.recordings if each.group == wrong.group)
        )
        cases = [case for case in self._cases if case.alert == mutant.alert]
        right = self._alerts[mutant.alert]
        steps = sorted({case.step_seconds for case in cases})
        with tempfile.TemporaryDirectory(prefix="opsctl-mutant-") as name:
            folder = Path(name)
            _write(folder / "rules", render_rules(self._books, alone))
            tests = {
                f"{step:g}": render_cases(
                    [case for case in cases if case.step_seconds == step],
                    # The labels that are expected are those of the right rule.
                    alerts={right.name: right},
                    rule_file=f"../rules/{file_of(wrong.group)}.yml",
                    source="a mutant",
                )
                for step in steps
            }
            _write(folder / "tests", tests)
            return promtool(
                "test", "rules", *(f"./{each}.yml" for each in tests), folder=folder / "tests"
            ).is_good

    def _wrong(self, mutant: Mutant) -> RuleSet:
        if mutant.replaced is not None:
            return compile_rules(with_rule(self._books, mutant.rule, mutant.replaced), target=Target())
        right = self._alerts[mutant.alert]
        expr = right.expr.replace(
            f" {right.comparison} {_bound(right)}", f" {mutant.comparison} {_bound(right)}", 1
        )
        return RuleSet(alerts=(replace(right, expr=expr),), recordings=self._rules.recordings)


def _bound(alert: AlertRule) -> str:
    from opsctl.alerts.promql_text import number

    return number(alert.threshold or 0.0)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")


def _finding(code: str, title: str, alert: AlertRule, *, evidence: str | None = None) -> Finding:
    return Finding(
        code=code, severity=Severity.ERROR, title=title, location=alert.location, evidence=evidence
    )
