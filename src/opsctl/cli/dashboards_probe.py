"""The command `opsctl dashboards probe`: does Prometheus answer what the dashboards ask?"""

import typer

from opsctl.cli.options import AskedPrometheus, Json, command


def register(app: typer.Typer) -> None:
    """Add the verb to the group `dashboards`."""
    command(
        app,
        "opsctl dashboards probe",
        "opsctl dashboards probe --prometheus http://127.0.0.1:9090 --json",
    )(probe)


def probe(
    prometheus: AskedPrometheus = None,
    json: Json = False,
) -> None:
    """Ask a live Prometheus every question of every panel, and keep the answers as evidence that the dashboards live.

    Exit 1: a question is refused, a dashboard has nothing to show, or a target is down. Single panels may be empty: nothing
    failed, or nobody came. Evidence of another Prometheus than the project's has its address in the subject, and counts for nothing here.
    """
    from opsctl.cli import dashboarding, wiring
    from opsctl.cli.exit import leave
    from opsctl.cli.filling import tell
    from opsctl.core.exit_codes import ExitCode
    from opsctl.dashboards.probing import boards_digest, probe_evidence, probe_figures
    from opsctl.dashboards.probing import probe as probed_of
    from opsctl.evidence.model import Verdict
    from opsctl.ui.show_probed import show_probed

    parts, clock = dashboarding.preview_parts(prometheus), wiring.clock()
    began_at, began = clock.now(), clock.monotonic()
    probed = probed_of(parts.boards, parts.prometheus)
    wiring.record(
        probe_evidence(
            probed,
            elsewhere=None if prometheus is None or _is_own(prometheus) else prometheus,
            dashboards=boards_digest(parts.boards),
            version=parts.prometheus.version(),
            started_at=began_at,
            seconds=clock.monotonic() - began,
        )
    )
    tell("opsctl.dashboards.probe", data=probe_figures(probed), json=json, show=lambda: show_probed(probed))
    leave(ExitCode.GOOD if probed.verdict is Verdict.PASS else ExitCode.BAD_VERDICT)


def _is_own(url: str) -> bool:
    """Tell whether it is the one that would be asked anyway."""
    from opsctl.cli import watching

    own = watching.watcher_url("prometheus")
    return own is not None and own.rstrip("/") == url.rstrip("/")
