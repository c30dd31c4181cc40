"""How do the figures of an experiment look in a page of Markdown: written by the tool, between marks, never by hand."""

from collections.abc import Iterator

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.estimates import Estimate
from opsctl.experiments.studies.model import Study
from opsctl.experiments.studies.summary import agreements, learnings, stabilities
from opsctl.ui.experiment_page import Reported
from opsctl.ui.experiment_words import percent, preference_words
from opsctl.ui.show_analysis import p_words, plain_words

BEGIN = "<!-- measured:begin (opsctl experiments report NAME --markdown FILE) -->"
END = "<!-- measured:end -->"


def figures_markdown(reported: Reported) -> str:
    """Return the figures, ending with a newline."""
    return "\n".join(_lines(reported)) + "\n"


def _lines(reported: Reported) -> Iterator[str]:
    analysis = reported.analysis
    arm = f" `{analysis.verdict.arm}`" if analysis.verdict.arm else ""
    yield f"**Verdict: {analysis.verdict.outcome.words}{arm}.**"
    yield ""
    for reason in analysis.verdict.reasons:
        yield f"- {reason}"
    yield ""
    units = ", ".join(f"{count:,} {name}" for name, count in analysis.units.items() if count)
    labels = f" Simulated: {', '.join(analysis.simulated)}." if analysis.simulated else ""
    yield f"Units: {units}.{labels} Book {analysis.subject.digest[:12]}."
    if reported.study and reported.study.stands:
        yield f"Stand-ins: {', '.join(reported.study.stands)}."
    yield ""
    yield "| metric | role | arm | control | treatment | effect | p | shown |"
    yield "|---|---|---|---|---|---|---|---|"
    for result in analysis.results:
        cells = (
            result.metric,
            result.role.value,
            result.arm,
            _value(result.control),
            _value(result.treatment),
        )
        numbers = [f"{each:.4g}" if isinstance(each, float) else str(each or "-") for each in cells]
        yield (
            f"| {' | '.join(numbers)} | {result.shown.effect} | {p_words(result.adjusted_p)} | {plain_words(result)} |"
        )
    if reported.study is not None:
        yield from _of_study(reported.study)


def _value(found: Estimate | CannotTell) -> float | None:
    return None if isinstance(found, CannotTell) else found.value


def _of_study(study: Study) -> Iterator[str]:
    worlds = len(study.worlds)
    yield ""
    yield f"Over {worlds} simulated {'world' if worlds == 1 else 'worlds'} of the same book, with the truth beside:"
    yield ""
    yield "| metric | arm | observed | true | intervals with the truth | found | wrong way |"
    yield "|---|---|---|---|---|---|---|"
    for each in agreements(study):
        yield (
            f"| {each.metric} | {each.arm} | {percent(each.observed)} | {percent(each.true)}"
            f" | {each.covered} of {each.worlds} | {each.found} of {each.worlds} | {each.wrong} |"
        )
    yield ""
    yield "| arm | regret a feed | 95 % over worlds | last day, of the best | 90 % of the best on day |"
    yield "|---|---|---|---|---|"
    for learned in learnings(study):
        yield (
            f"| {learned.arm} | {learned.area:.4f} | {learned.low:.4f} to {learned.high:.4f}"
            f" | {learned.last_reward:.1%} | {learned.day_near_best or '-'} |"
        )
    words = preference_words(study)
    if words:
        yield ""
        yield f"Interleaved first: {words}."
    shaky = [each for each in stabilities(study) if not each.is_robust]
    if study.variants:
        yield ""
        yield (
            f"Over {len(study.variants)} other kinds of worlds (three ways to choose, three levels of drift), not robust: "
            + (
                "; ".join(
                    f"{each.metric} of {each.arm} ({percent(each.least)} to {percent(each.greatest)})"
                    for each in shaky
                )
                or "none"
            )
            + "."
        )
