"""What does Prometheus of the stack look at: its configuration, from the recorded ports of the other parts."""

import json
from collections.abc import Mapping
from pathlib import Path

from opsctl.stack.model import PartName
from opsctl.stack.ports import HOST

SCRAPED = (PartName.SERVICE, PartName.VECTORS, PartName.EXPORTER, PartName.ALERTMANAGER)
"""The parts that expose metrics, beside Prometheus itself; the name of each is its job's."""


def render_prometheus_config(
    ports: Mapping[PartName, int],
    *,
    scrape_every: str,
    evaluate_every: str,
    rules: Path,
    token_file: Path | None = None,
) -> str:
    """Return the configuration; a part that was ever started stays a target, so that one that died is seen to be down.

    Args:
        ports: of the parts that were started.
        scrape_every: such as `5s`.
        evaluate_every: such as `5s`.
        rules: folder of the rule files.
        token_file: holds the key with which the service's metrics are read.
    """
    jobs = "".join(
        _job(str(name), ports[name], token_file=token_file if name is PartName.SERVICE else None)
        for name in SCRAPED
        if name in ports
    )
    own = _job("prometheus", ports[PartName.PROMETHEUS])
    return f"""# Written by `opsctl stack up --watch`; each start writes it anew.
global:
  scrape_interval: {scrape_every}
  scrape_timeout: {scrape_every}
  evaluation_interval: {evaluate_every}
rule_files:
- {json.dumps(f"{rules}/*.yml", ensure_ascii=False)}
alerting:
  alertmanagers:
  - static_configs:
    - targets: ["{HOST}:{ports[PartName.ALERTMANAGER]}"]
scrape_configs:
{jobs}{own}"""


def _job(name: str, port: int, *, token_file: Path | None = None) -> str:
    key = (
        f"  authorization: {{credentials_file: {json.dumps(str(token_file), ensure_ascii=False)}}}\n"
        if token_file
        else ""
    )
    return f'- job_name: {name}\n{key}  static_configs:\n  - targets: ["{HOST}:{port}"]\n'
