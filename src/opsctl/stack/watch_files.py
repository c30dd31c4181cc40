"""What do the watchers read: rules and routes that somebody else has made, and where to look for figures."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from opsctl.clients.files import read_text, write_atomically
from opsctl.core.errors import NotReadyError
from opsctl.stack.model import stack_dir


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchFiles:
    """Rules by the name of their book, Alertmanager's whole configuration, and how often is looked.

    Args:
        token_file: holds the key with which `/metrics` of the service is read, where it asks for one.
    """

    rules: Mapping[str, str]
    alertmanager: str
    scrape_every: str
    evaluate_every: str
    token_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchIntervals:
    """What Prometheus' own file needs beside addresses."""

    scrape_every: str
    evaluate_every: str
    token_file: Path | None


def rules_folder(home: Path) -> Path:
    """Return where Prometheus looks for rules."""
    return stack_dir(home) / "watch" / "rules"


def alertmanager_file(home: Path) -> Path:
    """Return Alertmanager's configuration."""
    return stack_dir(home) / "watch" / "alertmanager.yml"


def prometheus_file(home: Path) -> Path:
    """Return Prometheus' configuration."""
    return stack_dir(home) / "watch" / "prometheus.yml"


def write_watch_files(home: Path, files: WatchFiles) -> None:
    """Write everything, each file as a whole; rules of books that are gone are removed."""
    folder = rules_folder(home)
    wanted = {f"{name}.yml": text for name, text in files.rules.items()}
    for name, text in wanted.items():
        write_atomically(folder / name, text)
    for old in folder.glob("*.yml"):
        if old.name not in wanted:
            old.unlink()
    # It names the sink only, or files that hold secrets; still nobody else's business.
    write_atomically(alertmanager_file(home), files.alertmanager, mode=0o600)
    values = {
        "scrape_every": files.scrape_every,
        "evaluate_every": files.evaluate_every,
        "token_file": str(files.token_file) if files.token_file else None,
    }
    write_atomically(_intervals_file(home), json.dumps(values, indent=2) + "\n")


def read_intervals(home: Path) -> WatchIntervals:
    """Return the intervals that were written.

    Raises:
        NotReadyError: STK030 nothing was ever written.
    """
    path = _intervals_file(home)
    if not path.is_file():
        raise NotReadyError(
            "the watchers have nothing to watch by",
            code="STK030",
            why=f"there is no `{path}`",
            fix="run `opsctl stack up --watch`, which renders the alert books for them",
        )
    values = json.loads(read_text(path))
    token = values["token_file"]
    return WatchIntervals(
        scrape_every=values["scrape_every"],
        evaluate_every=values["evaluate_every"],
        token_file=Path(token) if token else None,
    )


def _intervals_file(home: Path) -> Path:
    return stack_dir(home) / "watch" / "intervals.json"
