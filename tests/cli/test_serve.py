"""`opsctl serve` before it serves: what it says, and what it refuses."""

import json
import socket
from pathlib import Path

import pytest
from tests.cli.command import run_opsctl


def test_dry_run_says_where_it_would_answer_and_the_next_steps(tmp_path: Path):
    """Nothing is made for it."""
    outcome = run_opsctl("serve", "--dry-run", "--port", "8791", folder=tmp_path)

    assert outcome.exit_code == 0
    assert outcome.stdout == ""
    assert "would run the ranking service at http://127.0.0.1:8791," in outcome.stderr
    assert "opsctl catalog generate" in outcome.stderr
    assert list(tmp_path.iterdir()) == []


def test_its_commands_can_be_copied_out_of_a_narrow_terminal(tmp_path: Path):
    """No line is broken by us."""
    arguments = ("--color", "always", "serve", "--dry-run")
    outcome = run_opsctl(*arguments, folder=tmp_path, environment={"COLUMNS": "60"})

    assert "curl -i -H 'Authorization: Bearer KEY' http://127.0.0.1:8000/v1/feed/1\n" in outcome.stderr


def test_an_ipv6_address_is_shown_as_curl_takes_it(tmp_path: Path):
    """Brackets, and none of them taken for a colour."""
    outcome = run_opsctl("serve", "--dry-run", "--host", "::1", folder=tmp_path)

    assert "http://[::1]:8000/docs" in outcome.stderr


@pytest.mark.parametrize("as_json", [False, True])
def test_a_port_that_is_taken_is_refused_before_an_address_is_named(tmp_path: Path, *, as_json: bool):
    """Nobody reads that it answers there and then that it does not; nothing was started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        outcome = run_opsctl("serve", "--port", port, *(["--json"] if as_json else []), folder=tmp_path)

    assert outcome.exit_code == 3
    assert "ranking service at" not in outcome.stderr
    if as_json:
        told = json.loads(outcome.stdout)
        assert (told["ok"], told["findings"][0]["code"]) == (False, "SVC302")
    else:
        assert "SVC302" in outcome.stderr
    assert not (tmp_path / ".opsctl" / "stack").exists()
