"""What of a search for the capacity goes into the evidence ledger: figures with their units in their names."""

from datetime import datetime

from opsctl.bench.capacity.model import CapacityReport, Need, WorkersResult
from opsctl.evidence.model import Evidence, digest_of

Figure = str | float | int | None


def capacity_evidence(report: CapacityReport, *, started_at: datetime) -> Evidence:
    """Return the evidence of a search; `costs` reads the figures that begin with `need_`."""
    figures: dict[str, Figure] = {"gates": ", ".join(report.gates)}
    for result in report.results:
        figures |= _of_workers(result)
    if (law := report.law) is not None:
        figures |= {
            "law_rate_of_one_requests_per_second": _rounded(law.rate_of_one.value),
            "law_contention_ratio": _rounded(law.contention.value),
            "law_coherency_ratio": _rounded(law.coherency.value),
            "law_peak_workers": _rounded(law.peak_workers),
        }
    if report.efficiency is not None:
        figures["scaling_efficiency_ratio"] = _rounded(report.efficiency.ratio)
    if report.need is not None:
        figures |= _of_need(report.need)
    return Evidence(
        kind="bench.capacity",
        subject=report.load,
        verdict=report.verdict,
        figures=figures,
        inputs={"plan": report.plan_digest, "gates": digest_of(list(report.gates))},
        tools={"python": report.fingerprint.get("machine.python", "-")},
        started_at=started_at,
        duration_seconds=round(report.duration_seconds, 3),
        simulated=report.simulated,
    )


def _of_workers(result: WorkersResult) -> dict[str, Figure]:
    name, capacity, use = f"workers_{result.workers}", result.capacity, result.use
    figures: dict[str, Figure] = {
        f"{name}_passed_requests_per_second": _rounded(capacity.passed),
        f"{name}_failed_requests_per_second": _rounded(capacity.failed),
        f"{name}_end": capacity.end.value,
        f"{name}_steps": len(capacity.steps),
    }
    if use is not None:
        figures[f"{name}_hit_ratio"] = _rounded(use.hit_ratio)
        for part, seconds in sorted(use.cpu_seconds_per_request.items()):
            figures[f"{name}_{part}_cpu_seconds_per_request"] = _rounded(seconds)
        for part, size in sorted(use.memory_bytes.items()):
            figures[f"{name}_{part}_memory_bytes"] = size
        for operation, count in sorted(use.operations_per_request.items()):
            figures[f"{name}_{operation}_per_request"] = _rounded(count)
    return figures


def _of_need(need: Need) -> dict[str, Figure]:
    return {
        "need_requests_per_second": need.target.rate,
        "need_users": need.target.users,
        "need_headroom_ratio": need.target.headroom,
        "need_workers": need.workers,
        "need_workers_most": need.workers_most,
        "need_basis": need.basis,
        "need_cores": _rounded(need.cores),
        **{f"need_{part}_cores": _rounded(cores) for part, cores in sorted(need.cores_by_part.items())},
        "need_memory_bytes": None if need.memory_bytes is None else round(need.memory_bytes),
        "need_l2_operations_per_second": _rounded(need.l2_operations_per_second),
        "need_vector_searches_per_second": _rounded(need.vector_searches_per_second),
        "need_database_queries_per_second": _rounded(need.database_queries_per_second),
        "need_model_calls_per_second": _rounded(need.model_calls_per_second),
    }


def _rounded(value: float | None) -> float | None:
    """Return six significant digits: seconds a request are small, rates are large."""
    return None if value is None else float(f"{value:.6g}")
