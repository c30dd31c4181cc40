"""Which files do dashboards become: JSON for each, provisioning for Grafana, and a lock with all digests."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from opsctl.dashboards.grafana import render_board
from opsctl.dashboards.load import LOCK, LoadedDashboard
from opsctl.dashboards.model import AlertLine, Board, board_of_alerts, place
from opsctl.metrics.contract import Contract

_PROVIDER = """# Rendered by `opsctl dashboards render`. Mount this as provisioning/dashboards/opsctl.yaml.
apiVersion: 1
providers:
- name: opsctl
  folder: Feed
  folderUid: opsctl-feed
  type: file
  disableDeletion: true
  allowUiUpdates: false
  updateIntervalSeconds: 30
  options:
    path: /etc/grafana/dashboards/opsctl
    foldersFromFilesStructure: false
"""
_DATASOURCE = """# Rendered by `opsctl dashboards render`. Mount this as provisioning/datasources/opsctl.yaml.
apiVersion: 1
datasources:
- name: Prometheus
  uid: opsctl-prometheus
  type: prometheus
  access: proxy
  url: $PROMETHEUS_URL
  isDefault: true
  jsonData:
    httpMethod: POST
    timeInterval: 5s
"""


def boards_of(
    books: Sequence[LoadedDashboard], alerts: Sequence[AlertLine], *, contract: Contract
) -> tuple[Board, ...]:
    """Return every dashboard, the generated one last; without alerts there is none."""
    scraped = scraped_series(contract)
    written = tuple(place(each.name, each.book, alerts=alerts) for each in books)
    return (*written, board_of_alerts(alerts, scraped=scraped)) if alerts else written


def scraped_series(contract: Contract) -> frozenset[str]:
    """Return the series that come from a target, and so have a job and an instance; `ALERTS` and recordings have none."""
    return frozenset(contract.names() - set(contract.recordings) - {"ALERTS", "ALERTS_FOR_STATE"})


def render_dashboards(
    books: Sequence[LoadedDashboard], alerts: Sequence[AlertLine], *, contract: Contract
) -> Mapping[str, str]:
    """Return every file by its path; the same books give the same bytes."""
    files = {
        f"{board.name}.json": render_board(board) for board in boards_of(books, alerts, contract=contract)
    }
    files |= {"provisioning/dashboards.yaml": _PROVIDER, "provisioning/datasources.yaml": _DATASOURCE}
    lock = {
        "schema": "opsctl.dashboards.lock/v1",
        "books": {f"{each.name}.yaml": _digest(each.text) for each in books},
        "files": {path: _digest(text) for path, text in sorted(files.items())},
    }
    return {**files, f"{LOCK}.json": json.dumps(lock, indent=2) + "\n"}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
