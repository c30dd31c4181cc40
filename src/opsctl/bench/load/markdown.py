"""What does a pull request get to read about a load run: verdict, gates, latencies, and how they changed."""

from collections.abc import Callable, Iterable, Sequence

from opsctl.bench.load.model import LoadReport
from opsctl.bench.load.stored import fingerprint_of
from opsctl.bench.load.words import (
    Standing,
    amount,
    demands,
    interval_text,
    next_steps,
    percent,
    rate,
    reasons_invalid,
    standing_of,
    verdict_sentence,
)
from opsctl.core.markdown_table import markdown_table
from opsctl.core.outside_text import in_markdown
from opsctl.core.quantiles import QuantileEstimate
from opsctl.core.units import format_duration
from opsctl.evidence.model import Verdict

_Text = Callable[[float | None], str]
_SIGNS = {
    Standing.HOLDS: "✅",
    Standing.MISSES: "❌",
    Standing.CANNOT_TELL: "❔",
    Standing.INVALID: "⛔",
    Standing.MEASURED: "✅",
}
_VERDICTS = {Verdict.PASS: "✅ pass", Verdict.FAIL: "❌ fail", Verdict.INCONCLUSIVE: "❔ cannot tell"}
_SHARES = (0.5, 0.95, 0.99, 0.999)


def to_markdown(
    report: LoadReport, *, run_id: str, baseline: LoadReport | None = None, baseline_id: str = ""
) -> str:
    """Return a summary in GitHub's Markdown; every text that came from outside is escaped.

    Args:
        report: the run.
        run_id: under which it is stored.
        baseline: an earlier run to show beside it. Its column tells differences, not verdicts: `bench compare` does.
        baseline_id: under which that one is stored.
    """
    standing = standing_of(report)
    blocks = [
        f"### {_SIGNS[standing]} Load `{_code(report.load)}`: {standing}",
        in_markdown(verdict_sentence(report)),
        "\n".join(f"- **{each.code}** {in_markdown(each.title)}" for each in reasons_invalid(report)),
        _gates(report),
        _figures(report, baseline=baseline),
        _baseline_note(report, baseline=baseline, baseline_id=baseline_id),
        _errors(report),
        "\n".join(f"- Next: {_with_code(step)}" for step in next_steps(report)),
        _footer(report, run_id=run_id),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _gates(report: LoadReport) -> str:
    rows = [
        (
            f"`{_code(gate.gate)}`",
            amount(gate.value, unit=gate.unit),
            interval_text(gate),
            "not judged" if not report.is_valid else _VERDICTS[gate.verdict],
        )
        for gate in demands(report)
    ]
    return _table(("Gate", "Measured", "95 % interval", "Verdict"), rows)


def _figures(report: LoadReport, *, baseline: LoadReport | None) -> str:
    rows: list[tuple[str, str, str, str]] = []
    for share in _SHARES:
        mine, theirs = report.response.at(share), baseline.response.at(share) if baseline else None
        if mine or theirs:
            rows.append((f"p{share * 100:g}", _latency(mine), _latency(theirs), _change(mine, theirs)))
    rows.extend(
        (name, text(own), text(other), "-" if other is None or own is None else _signed(own, other))
        for name, own, other, text in _totals(report, baseline)
    )
    if baseline is None:
        return _table(("Response", "This run"), [row[:2] for row in rows])
    return _table(("Response", "This run", "Baseline", "Change"), rows)


def _totals(
    report: LoadReport, baseline: LoadReport | None
) -> list[tuple[str, float | None, float | None, _Text]]:
    return [
        ("achieved", report.achieved_rate, baseline.achieved_rate if baseline else None, _rate),
        ("good answers", report.goodput_rate, baseline.goodput_rate if baseline else None, _rate),
        ("errors", report.error_rate, baseline.error_rate if baseline else None, _percent),
        ("hit ratio", report.hit_ratio, baseline.hit_ratio if baseline else None, _percent),
    ]


def _baseline_note(report: LoadReport, *, baseline: LoadReport | None, baseline_id: str) -> str:
    if baseline is None:
        return ""
    named = f"Baseline: run `{_code(baseline_id)}`."
    own, other = fingerprint_of(report), fingerprint_of(baseline)
    differing = sorted(name for name in own.keys() | other.keys() if own.get(name) != other.get(name))
    if differing:
        return f"{named} **Not comparable**: other {', '.join(in_markdown(name) for name in differing)}."
    return f"{named} Whether a change is more than noise: `opsctl bench compare`."


def _errors(report: LoadReport) -> str:
    rows = [
        (f"`{_code(name)}`", f"{count:,}")
        for name, count in report.outcomes.items()
        if name != "ok" and count
    ]
    return _table(("Error", "Requests"), rows)


def _footer(report: LoadReport, *, run_id: str) -> str:
    parts = [
        f"run `{_code(run_id)}`",
        f"{report.loop} loop",
        f"engine {in_markdown(report.engine)}",
        f"plan `{_code(report.plan_digest[:12])}`",
        f"seed {report.seed}",
    ]
    if report.simulated:
        parts.append(f"**simulated: {in_markdown(', '.join(report.simulated))}**")
    if report.loop == "closed":
        parts.append("a closed loop hides waiting")
    return f"<sub>{', '.join(parts)}</sub>"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = list(rows)
    return markdown_table(titles, cells, numbers_from=1) if cells else ""


def _latency(estimate: QuantileEstimate | None) -> str:
    if estimate is None:
        return "-"
    return f"{format_duration(estimate.value)} ({format_duration(estimate.low)} to {format_duration(estimate.high)})"


def _change(mine: QuantileEstimate | None, theirs: QuantileEstimate | None) -> str:
    if mine is None or theirs is None:
        return "-"
    overlap = mine.low <= theirs.high and theirs.low <= mine.high
    return _signed(mine.value, theirs.value) + (", intervals overlap" if overlap else "")


def _signed(own: float, other: float) -> str:
    if own == other:
        return "same"
    return f"{(own / other - 1) * 100:+.1f}%" if other else "-"


def _rate(value: float | None) -> str:
    return "-" if value is None else rate(value)


def _percent(value: float | None) -> str:
    return "-" if value is None else percent(value)


def _with_code(text: str) -> str:
    """Escape all but what stands between backticks."""
    parts = text.split("`")
    return "".join(f"`{_code(part)}`" if place % 2 else in_markdown(part) for place, part in enumerate(parts))


def _code(text: str) -> str:
    """Return text for between backticks, inside a table or outside."""
    return " ".join(text.replace("`", "'").replace("|", "¦").split()) or "-"
