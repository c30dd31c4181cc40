"""Where does a load that was sent go: the terminal, one document, lines of JSON, and the files that were asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.cli.report_files import require_places, write_reports
from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from opsctl.cli.loading import FinishedLoad


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Where the report goes besides the terminal."""

    html: Path | None = None
    junit: Path | None = None
    markdown: Path | None = None
    hgrm: Path | None = None
    ndjson: bool = False
    json: bool = False

    def require_writable(self) -> None:
        """Refuse files that cannot be written before anything is sent, not after it."""
        if self.ndjson and self.json:
            raise UsageError(
                "`--json` prints one document and `--ndjson` many lines",
                code="CLI002",
                fix="choose one of them",
            )
        require_places(self.html, self.junit, self.markdown, self.hgrm)


def show(finished: "FinishedLoad", outputs: Outputs) -> None:
    """Show a load that was sent, and write the files that were asked for."""
    from opsctl.bench.load.stored import plain_report
    from opsctl.cli import bench_compare
    from opsctl.cli.document import document
    from opsctl.evidence.model import Verdict
    from opsctl.ui.console import print_document
    from opsctl.ui.load_live import write_ndjson_line
    from opsctl.ui.show_load import show_load

    report, run_id = finished.report, finished.run_id
    data = {"run": run_id, **plain_report(report), "comparison": finished.comparison}
    if outputs.json:
        is_good = report.verdict is Verdict.PASS and finished.fault is None
        print_document(document("opsctl.bench.load", data=data, ok=is_good, findings=report.problems))
    elif outputs.ndjson:
        write_ndjson_line("opsctl.bench.load/v1", data)
    else:
        show_load(report, run_id=run_id)
        if finished.comparison is not None:
            bench_compare.show(finished.comparison, json=False)
    _write_files(finished, outputs)


def _write_files(finished: "FinishedLoad", outputs: Outputs) -> None:
    from opsctl.bench.load.hgrm import to_hgrm
    from opsctl.bench.load.histogram import Histogram
    from opsctl.bench.load.junit import to_junit
    from opsctl.bench.load.markdown import to_markdown
    from opsctl.ui.load_page import render_load_page

    report, run_id, base = finished.report, finished.run_id, finished.baseline
    baseline, baseline_id = (base.load, base.id) if base is not None else (None, "")
    shown = {run_id: report} if baseline is None else {baseline_id: baseline, run_id: report}
    write_reports(
        (outputs.html, lambda: render_load_page(shown)),
        (outputs.junit, lambda: to_junit(report, run_id=run_id)),
        (
            outputs.markdown,
            lambda: to_markdown(report, run_id=run_id, baseline=baseline, baseline_id=baseline_id),
        ),
        (outputs.hgrm, lambda: to_hgrm(Histogram.from_sparse(report.histograms["response"]))),
    )
