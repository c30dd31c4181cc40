"""`opsctl metrics list`: the contract as a table and as data, without waiting for the library."""

import json
import subprocess
import sys

from tests.cli.command import run_opsctl
from tests.cli.test_start_up import HEAVY, PROBE

from opsctl.metrics import service as metrics


def test_the_table_shows_every_metric_whole(tmp_path):
    """One line each, nothing cut in a pipe."""
    shown = run_opsctl("metrics", "list", folder=tmp_path)

    assert shown.exit_code == 0
    header, *lines = shown.stdout.splitlines()
    assert header.split() == ["name", "type", "unit", "labels", "help"]
    assert [line.split()[0] for line in lines] == [metric.name for metric in metrics.ALL]
    assert all(line.rstrip().endswith(metric.help) for line, metric in zip(lines, metrics.ALL, strict=True))


def test_the_document_holds_the_whole_contract(tmp_path):
    """With buckets, known values of labels, and how gauges are merged."""
    document = json.loads(run_opsctl("metrics", "list", "--json", folder=tmp_path).stdout)

    assert (document["schema"], document["ok"]) == ("opsctl.metrics.list/v1", True)
    by_name = {metric["name"]: metric for metric in document["data"]}
    assert list(by_name) == [metric.name for metric in metrics.ALL]
    assert by_name["ranking_requests_in_flight"] == {
        "name": "ranking_requests_in_flight",
        "type": "gauge",
        "unit": "requests",
        "help": "Requests being answered now.",
        "labels": {},
        "buckets": [],
        "merging": "livesum",
    }
    assert by_name["ranking_model_calls_total"]["labels"] == {"outcome": ["ok", "error", "invalid"]}
    assert by_name["ranking_model_batch_items"]["buckets"][:2] == [1.0, 2.0]


def test_a_text_narrows_the_list(tmp_path):
    """Nothing found is an empty list and a hint."""
    some = json.loads(run_opsctl("metrics", "list", "--match", "THOMPSON", "--json", folder=tmp_path).stdout)
    none = run_opsctl("metrics", "list", "--match", "zzz", folder=tmp_path)

    assert {metric["name"].split("_")[1] for metric in some["data"]} == {"thompson"}
    assert (none.exit_code, none.stdout) == (0, "")
    assert "opsctl metrics list" in none.stderr


def test_neither_help_nor_list_wait_for_the_library():
    """The contract is plain values; prometheus-client is for the service."""
    for arguments, allowed in ((["--help"], set()), ([], {"rich.console"})):
        process = subprocess.run(
            [sys.executable, "-c", PROBE, "metrics", "list", *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert set(process.stderr.splitlines()) & HEAVY <= allowed
        assert process.stdout
