"""A ledger as a project has one after a few weeks: records by the domains' own hands where they exist, and facts from them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.bench.load.reports import holding, missing
from tests.bench.test_registry_and_compare import a_run
from tests.chaos.drills import drill, held, named
from tests.dr.drill.drills import GOALS, entry, missed
from tests.fakes.drill_world import FAILED, SIMPLE, DrillWorld
from tests.ui.experiments_shown import reported, simulated

from opsctl.alerts.proving.model import EVIDENCE_KIND as PROOF_KIND
from opsctl.bench.evidence import latency_evidence
from opsctl.bench.load.record import load_evidence
from opsctl.chaos.evidence import Circumstances, drill_evidence
from opsctl.core.findings import Finding, Location, Severity
from opsctl.dr.drill.evidence import drill_evidence as loss_evidence
from opsctl.dr.drill.journal import Entry
from opsctl.evidence.chain import Verification
from opsctl.evidence.model import GENESIS, Evidence, Record, Verdict
from opsctl.evidence.survey import Surveyor
from opsctl.experiments.analysis.document import analysis_evidence
from opsctl.ui.site.facts import TREND_KINDS, Expected, Facts
from opsctl.ui.site.items import KIND, cited_ids

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script> \"' & {{ 7 * 7 }} `code`"


class Book:
    """A ledger in memory, whole, filled at chosen moments; the real one is met in the tests of the command."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def add(self, evidence: Evidence, *, days_ago: float = 1.0) -> Record:
        """Record something as if it had been done then."""
        at, sequence = NOW - timedelta(days=days_ago), len(self.records) + 1
        record = Record(
            sequence=sequence,
            id=f"{at:%Y%m%dT%H%M%S}-{sequence:05d}",
            recorded_at=at,
            expires_at=at + evidence.valid_for,
            previous=self.records[-1].digest if self.records else GENESIS,
            **{
                name: getattr(evidence, name)
                for name in (
                    "kind",
                    "subject",
                    "verdict",
                    "figures",
                    "inputs",
                    "tools",
                    "started_at",
                    "duration_seconds",
                    "simulated",
                )
            },
            git_commit=evidence.git_commit or "0123456789abcdef0123456789abcdef01234567",
        )
        self.records.append(replace(record, digest=record.computed_digest()))
        return self.records[-1]

    def facts(self, **changes: Any) -> Facts:
        """Return what the site would be made from."""
        surveyor = Surveyor(trends=TREND_KINDS)
        for record in self.records:
            surveyor.look(record)
        survey = surveyor.survey()
        wanted = cited_ids(survey.last(KIND))
        head = self.records[-1].digest if self.records else GENESIS
        facts = Facts(
            project="shop",
            now=NOW,
            survey=survey,
            verification=Verification(records=len(self.records), head=head, findings=()),
            cited={record.id: record for record in self.records if record.id in wanted},
        )
        return replace(facts, **changes)


def proof(kind: str, subject: str = "feed", verdict: Verdict = Verdict.PASS, **changes: Any) -> Evidence:
    """Return something to record."""
    values: dict[str, Any] = {
        "figures": {},
        "inputs": {"book": "a" * 64},
        "tools": {"opsctl": "0.1.0"},
        "started_at": NOW,
        "duration_seconds": 2.5,
        "valid_for": timedelta(days=30),
    }
    return Evidence(kind=kind, subject=subject, verdict=verdict, **(values | changes))


def item(name: str = "benchmarks", state: str = "pass", *records: Record, **changes: Any) -> dict[str, Any]:
    """Return one item as `checklist run` writes it."""
    return {
        "name": name,
        "code": "CHK001",
        "title": name.replace("_", " ").capitalize(),
        "group": "readiness",
        "state": state,
        "figure": "3 of 3",
        "target": "3 proofs",
        "reason": "",
        "evidence": [record.id for record in records],
        "simulated": False,
        "expires_at": None,
        "next": "",
    } | changes


def checklist(*items: Mapping[str, Any], verdict: Verdict = Verdict.PASS, **changes: Any) -> Evidence:
    """Return the evidence of a run of the checklist."""
    return proof(KIND, "production", verdict, figures={"items": list(items)}, **changes)


def costs(*, month: float = 412.5, kept: bool | None = True) -> Evidence:
    """Return the evidence of an estimate, as `costs estimate` writes it; of one part at one load nobody knows the price."""
    points = {name: _bill(month * times) for name, times in (("average", 1), ("peak_hour", 1.4))}
    unknown = {"month_usd": None, "per_user_usd": None, "per_1000_feeds_usd": None}
    sustained = _bill(month * 22) | unknown | {"not_known": {"model": "items a call"}}
    sustained["parts"]["model"] = None
    return proof(
        "costs.estimate",
        "project",
        Verdict.PASS if kept else Verdict.FAIL,
        simulated=("language model",),
        figures={
            "points": points | {"sustained": sustained},
            "before": {"average": _bill(month * 2.5)},
            "binding_point": "average",
            "reduction_share": 0.61,
            "budgets": [
                {"name": "month_usd", "limit": 500.0, "value": month, "ok": kept, "is_lower_bound": False},
                {"name": "user_usd", "limit": 0.05, "value": month / 10_000, "ok": True, "is_lower_bound": False},
                {"name": "reduction_ratio", "limit": 0.4, "value": None, "ok": None, "is_lower_bound": False},
            ],
            "budgets_elsewhere": [
                {"name": "month_usd", "point": "sustained", "limit": 500.0, "value": month * 15, "ok": False, "is_lower_bound": True},
            ],
            "unverified_prices": ["edge.requests"],
            "stale_prices": [],
            "unknown_inputs": ["items a call"],
        },
    )  # fmt: skip


def _bill(month: float) -> dict[str, Any]:
    return {
        "month_usd": month,
        "known_usd": month,
        "per_user_usd": month / 10_000,
        "per_1000_feeds_usd": 0.0123,
        "parts": {"vectors": month * 0.6, "model": month * 0.3, "edge": month * 0.1},
    }


def audit(subject: str = "project") -> Evidence:
    """Return the evidence of a security audit."""
    states = {"SEC001": "pass", "SEC002": "fail", "SEC003": "unknown", "SEC004": "waived"}
    checks = [
        {
            "code": code,
            "title": f"Check {code}",
            "state": state,
            "reason": "" if state == "pass" else f"why {state}",
            "severity": "high",
            "owasp": "A01:2021",
            "asvs": ["V4.1.1", "V4.2.2"],
            "seconds": 0.2,
        }
        for code, state in states.items()
    ]
    counts = dict.fromkeys(("pass", "fail", "unknown", "waived"), 1)
    return proof("security.audit", subject, Verdict.FAIL, figures={"counts": counts, "checks": checks})


def alert_proof(
    name: str, verdict: Verdict = Verdict.PASS, *, rule: str = "r" * 64, **figures: Any
) -> Evidence:
    """Return the evidence that an alert fires, as `alerts prove` writes it."""
    usual = {
        "level": "arrived",
        "fault": "vectors_down",
        "severity": "critical",
        "receivers": "on_call",
        "measured_seconds": 41.2,
        "predicted_seconds": 45.0,
        "allowed_seconds": 60.0,
        "problems": "none",
    }
    return proof(PROOF_KIND, name, verdict, figures=usual | figures, inputs={"rule": rule})


def chaos_drill(name: str, world: DrillWorld) -> Evidence:
    """Return the evidence of a drill that a fake world held."""
    made = named(drill(), name=name)
    report, verdict = held(world, drill(), name=name)
    circumstances = Circumstances(tools={}, simulated=("language model",))
    return drill_evidence(made, report=report, verdict=verdict, circumstances=circumstances)


def loss(made: Entry) -> Evidence:
    """Return the evidence of a drill of a loss."""
    return loss_evidence(
        made.run, verdict=made.verdict, goals=GOALS, book_digest="b" * 64, valid_for=timedelta(days=30), simulated=()
    )  # fmt: skip


def everything() -> Book:
    """Return a ledger with something of every chapter, good and bad, real and simulated, fresh and stale."""
    book = Book()
    fill(book)
    return book


def fill(book: Book) -> None:
    """Record something of every chapter."""
    run = a_run(queries=400)
    for days in (20, 12, 6, 2):
        book.add(load_evidence(holding(load="standard"), run_id="r1", started_at=NOW), days_ago=days)
    book.add(load_evidence(missing(load="spike"), run_id="r2", started_at=NOW))
    for days in (3, 1):
        book.add(latency_evidence(run.report, run_id="r3", machine={}, started_at=NOW), days_ago=days)
    book.add(proof("bench.capacity", "standard", Verdict.INCONCLUSIVE, figures=_CAPACITY))
    book.add(proof("bench.filters", "source", figures={"filters": 24}))
    book.add(
        proof("collections.rebuild", "au_photographers", figures={"outcome": "swapped", "generation": "g7"})
    )
    book.add(alert_proof("VectorStoreDown"))
    book.add(alert_proof("HighErrorRate", Verdict.FAIL, measured_seconds=90.0, problems="it came too late"))
    book.add(alert_proof("OldRule", rule="o" * 64))
    book.add(proof(PROOF_KIND, "null drill", figures={"quiet_seconds": 60, "fired": "none"}))
    book.add(
        proof(
            "alerts.test", "all", figures={"alerts": 31, "cases": 120, "failures": 0, "mutation_score": 1.0}
        )
    )
    book.add(chaos_drill("vectors_down", DrillWorld(during={"vectors_down": (SIMPLE,)})))
    book.add(chaos_drill("database_down", DrillWorld(during={"vectors_down": (FAILED,)})))
    book.add(proof("chaos.teeth", "drills", figures={"mutants": 8, "noticed_share": 0.875}))
    book.add(loss(entry()))
    book.add(loss(replace(missed(), run=replace(missed().run, scenario="database_lost"))))
    book.add(
        proof(
            "dr.backup",
            "full",
            figures={"backup": "20261128T0230", "plain_bytes": 10**8, "stored_bytes": 10**7},
        )
    )
    book.add(
        proof("dr.verify", "20261128T0230", figures={"depth": "restore", "doubts": "none", "bytes": 10**7})
    )
    book.add(proof("dr.verify", "20261001T0230", valid_for=timedelta(days=1)), days_ago=40)
    for shown in (reported(), simulated()):
        book.add(analysis_evidence(shown.analysis, seconds=1.0))
    book.add(proof("experiments.simulate", "beta_or_epinet", figures={"worlds": 20}, simulated=("readers",)))
    book.add(
        proof("readers.measure", "nps", simulated=("readers",),
              figures={"value": 54.2, "number": 900, "real_number": 0, "basis": "simulated", "definition": "promoters less detractors"})
    )  # fmt: skip
    book.add(proof("dashboards.probe", "dashboards"))
    book.add(proof("experiments.peek", "agents"))
    book.add(costs(month=380.0), days_ago=9)
    book.add(costs())
    book.add(audit())
    book.add(audit("SEC001"), days_ago=0.5)


_CAPACITY = {
    "gates": "p99 < 500ms",
    "workers_1_passed_requests_per_second": 5200.0,
    "workers_2_passed_requests_per_second": 9100.0,
    "need_requests_per_second": 10000,
    "need_users": 10000,
    "need_workers": 3,
    "need_basis": "law",
    "need_cores": 4.2,
}

EXPECTED = {
    PROOF_KIND: (
        Expected(name="VectorStoreDown", digest="r" * 64, details={"severity": "critical", "allowed_seconds": "1 min 0 s"}),
        Expected(name="OldRule", digest="n" * 64),
        Expected(name="NeverProven", digest="n" * 64, details={"severity": "warning", "allowed_seconds": "5 min 0 s"}),
    ),
    "chaos.drill": (Expected(name="cpu_taken", title="Another process takes the processors"),),
    "dr.drill": (Expected(name="region_lost", title="All is gone", details={"rpo": "1 min 0 s", "rto": "15 min 0 s"}),),
}  # fmt: skip


def with_checklist(book: Book) -> Book:
    """Add a checklist over what is there: one item of each state, one simulated."""
    newest = {record.kind: record for record in book.records}
    book.add(
        checklist(
            item("performance_benchmarks", "pass", newest["bench.latency"]),
            item("alerting_configured", "fail", newest[PROOF_KIND], reason="`HighErrorRate` came too late", next="opsctl alerts prove HighErrorRate"),
            item("disaster_recovery", "stale", newest["dr.verify"], reason="too old", next="opsctl dr verify latest"),
            item("team_trained", "waived", waiver={"account": "ana", "reason": "new team", "expires_at": "2026-12-24T00:00:00+00:00"}),
            item("nps", "unknown", group="metrics", figure="-", target="> 50", reason="no evidence", next="opsctl experiments simulate"),
            item("cost", "pass", newest["costs.estimate"], group="metrics", figure="$412.50", target="< $500", simulated=True),
            verdict=Verdict.FAIL,
        ),
        days_ago=0.2,
    )  # fmt: skip
    return book


def broken(facts: Facts) -> Facts:
    """Return the same facts of a ledger in which somebody changed a record."""
    finding = Finding(
        code="EVD001",
        severity=Severity.ERROR,
        title="record 20261128T120000-00002 was changed",
        location=Location(file="ledger.jsonl", line=2),
        evidence="its hash does not match",
    )
    return replace(facts, verification=replace(facts.verification, findings=(finding,)))
