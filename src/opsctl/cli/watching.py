"""With what do the watchers of the stack watch: the project's alert books, compiled for them."""

from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import NotReadyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsctl.alerts.compile import PanelIds
    from opsctl.alerts.load import AlertBooks
    from opsctl.alerts.rules import RuleSet
    from opsctl.alerts.target import Histograms, PrometheusVersion, Target
    from opsctl.core.events import Listener
    from opsctl.stack.model import Place, StackState
    from opsctl.stack.watch_files import WatchFiles
    from opsctl.stack.watch_tower import MakeFiles


def load_rules(target: "Target | None" = None) -> "tuple[AlertBooks, RuleSet]":
    """Return the project's alert books and what they become.

    Raises:
        UsageError: a book is wrong, or there is none.
    """
    from opsctl.alerts.compile import compile_rules
    from opsctl.alerts.load import load_alert_books
    from opsctl.alerts.target import Target as PrometheusTarget
    from opsctl.cli import wiring

    settings = wiring.settings()
    books = load_alert_books(settings.root / settings.project.books.alerts)
    return books, compile_rules(books, target=target or PrometheusTarget(), panel_ids=panel_ids())


def target(*, version: "PrometheusVersion", histograms: "Histograms") -> "Target":
    """Return the Prometheus that is meant.

    Raises:
        UsageError: ALR092 native histograms are asked of a version that has none.
    """
    from opsctl.alerts.target import Histograms as Kind
    from opsctl.alerts.target import PrometheusVersion as Version
    from opsctl.alerts.target import Target as PrometheusTarget

    if histograms is Kind.NATIVE and version is not Version.V3:
        raise UsageError(
            "native histograms need Prometheus 3",
            code="ALR092",
            why="only from then on it turns classic ones into native ones with custom buckets (NHCB)",
            fix="add `--prometheus 3`, or leave out `--histograms native`",
        )
    return PrometheusTarget(version=version, histograms=histograms)


def panel_ids() -> "PanelIds":
    """Return what gives the number of a panel."""
    from opsctl.dashboards.ids import panel_id

    return panel_id


def prometheus_url() -> str:
    """Return where Prometheus is: `watch.prometheus_url`, else that of the stack.

    Raises:
        NotReadyError: PRM001 there is neither.
    """
    found = watcher_url("prometheus")
    if found is None:
        raise NotReadyError(
            "there is no Prometheus to ask",
            code="PRM001",
            why="`watch.prometheus_url` is not set, and the stack's does not run",
            fix="run `opsctl stack up --watch`",
        )
    return found


def watcher_url(name: str) -> str | None:
    """Return where a watcher is: by the settings, else that of the stack; None where there is neither."""
    from opsctl.cli import wiring
    from opsctl.stack.model import PartName
    from opsctl.stack.status import stack_status

    settings = wiring.settings()
    configured: str | None = getattr(settings.project.watch, f"{name}_url")
    return configured or stack_status(settings.home).url_of(PartName(name))


def missing_runbooks(rules: "RuleSet") -> dict[str, str]:
    """Return a stub for each runbook that is not there, by file name."""
    from opsctl.alerts.files import runbook_stub
    from opsctl.cli.alert_context import runbooks_folder
    from opsctl.config.folder import books_in

    there = {path.name for path in books_in(runbooks_folder(), suffix=".md").books}
    names = dict.fromkeys((alert.runbook, alert.rule) for alert in rules.alerts)
    return {file: runbook_stub(rule, rules.of_rule(rule)) for file, rule in names if file not in there}


def write_runbooks(stubs: "Mapping[str, str]") -> None:
    """Write runbooks that are not there; one that is there is never touched."""
    from opsctl.cli.alert_context import runbooks_folder
    from opsctl.clients.files import write_atomically

    for name, text in stubs.items():
        write_atomically(runbooks_folder() / name, text)


def start_watchers(*, deliver: bool, listener: "Listener") -> "StackState":
    """Start the watchers of the project's stack, or have them read what is new.

    Raises:
        NotReadyError: STK032 the real receivers are asked for, and a secret is not there.
    """
    from opsctl.cli import wiring
    from opsctl.stack.watch_tower import start_watch_tower

    settings = wiring.settings()
    books, rules = load_rules()
    if deliver:
        _require_secrets(books, root=settings.root)
    with wiring.backends(listener) as servers:
        servers.database().close()  # brings the tables up to date, which the exporter reads
    return start_watch_tower(
        settings.home,
        files=watch_files(books, rules, deliver_from=settings.root if deliver else None),
        listener=listener,
        clock=wiring.clock(),
        project=settings.root,
    )


def watch_files(books: "AlertBooks", rules: "RuleSet", *, deliver_from: Path | None = None) -> "MakeFiles":
    """Return what makes the watchers' files once the sink has a place.

    Args:
        books: how is delivered, how often is looked.
        rules: what is watched.
        deliver_from: the folder to which the files of secrets are relative; without it everything goes to the sink.
    """
    from opsctl.alerts.alertmanager import Rehearsal, render_alertmanager
    from opsctl.alerts.prometheus_rules import render_rules
    from opsctl.stack.ports import HOST
    from opsctl.stack.watch_files import WatchFiles

    timing = books.delivery.timing

    def make(sink: "Place") -> "WatchFiles":
        rehearsal = Rehearsal(sink_url=f"http://{HOST}:{sink.port}", smtp_address=f"{HOST}:{sink.mail_port}")
        return WatchFiles(
            rules=render_rules(books, rules),
            alertmanager=render_alertmanager(
                books, rules, rehearsal=None if deliver_from else rehearsal, secrets_folder=deliver_from
            ),
            scrape_every=timing.scrape_every,
            evaluate_every=timing.evaluate_every,
        )

    return make


def _require_secrets(books: "AlertBooks", *, root: Path) -> None:
    from opsctl.alerts.alertmanager import secret_files

    missing = [file for file in secret_files(books.delivery) if not (root / file).is_file()]
    if missing:
        raise NotReadyError(
            f"the secret file `{missing[0]}` is not there",
            code="STK032",
            why=f"`delivery.yaml` names it; {len(missing)} of its files are missing",
            fix="write the secret into it, mode 600; or leave out --deliver, so that all messages go to the sink",
        )
