"""Prometheus of the stack finds its rules and its key, wherever the project lies."""

from pathlib import Path

import yaml

from opsctl.stack.model import PartName
from opsctl.stack.prometheus_config import render_prometheus_config


def test_a_path_is_read_as_it_is():
    """Behind ` #` YAML would see a comment, and Prometheus would start without any rule."""
    folder = Path("/home/me/feed #2: {größer}")

    written = yaml.safe_load(
        render_prometheus_config(
            {PartName.PROMETHEUS: 1, PartName.ALERTMANAGER: 2, PartName.SERVICE: 3},
            scrape_every="5s",
            evaluate_every="5s",
            rules=folder,
            token_file=folder / "key",
        )
    )

    assert written["rule_files"] == [f"{folder}/*.yml"]
    assert written["scrape_configs"][0]["authorization"] == {"credentials_file": f"{folder}/key"}
