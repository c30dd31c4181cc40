"""`opsctl breakers` as whole commands, without a service."""

import json
from pathlib import Path

from tests.cli.command import run_opsctl


def test_an_order_is_given_shown_and_taken_back(tmp_path: Path) -> None:
    """Workers that run read it from the same file."""
    given = run_opsctl(
        *("breakers", "isolate", "vectors", "--owner", "anna", "--for", "30m", "--reason", "rebuild"),
        folder=tmp_path,
    )
    listed = json.loads(run_opsctl("breakers", "list", "--json", folder=tmp_path).stdout)["data"]
    back = run_opsctl("breakers", "release", "vectors", folder=tmp_path)
    after = json.loads(run_opsctl("breakers", "list", "--json", folder=tmp_path).stdout)["data"]

    assert given.exit_code == back.exit_code == 0
    assert "vectors is isolated until" in given.stderr
    assert "opsctl breakers release vectors" in given.stderr
    assert next((each["name"], each["order"], each["owner"], each["reason"]) for each in listed) == (
        "vectors",
        "isolated",
        "anna",
        "rebuild",
    )
    assert after[0]["order"] is None


def test_an_order_without_an_owner_is_no_order(tmp_path: Path) -> None:
    """Whoever finds it must know whom to ask; OPSCTL_OWNER names one for all orders."""
    without = run_opsctl("breakers", "isolate", "vectors", folder=tmp_path)
    named = run_opsctl(
        "breakers", "isolate", "vectors", folder=tmp_path, environment={"OPSCTL_OWNER": "bert"}
    )
    assert (without.exit_code, named.exit_code) == (2, 0)


def test_wrong_names_and_times_are_refused_with_what_there_is(tmp_path: Path) -> None:
    """Nothing is written."""
    unknown = run_opsctl("breakers", "isolate", "qdrant", "--owner", "anna", folder=tmp_path)
    too_long = run_opsctl("breakers", "isolate", "l2", "--owner", "anna", "--for", "2d", folder=tmp_path)
    nonsense = run_opsctl("breakers", "isolate", "l2", "--owner", "anna", "--for", "soon", folder=tmp_path)
    assert [each.exit_code for each in (unknown, too_long, nonsense)] == [2, 2, 2]
    assert "one of: vectors, database, model, l2" in unknown.stderr
    assert "BRK003" in too_long.stderr
    assert not (tmp_path / ".opsctl" / "service" / "breakers.json").exists()


def test_without_a_service_the_list_says_so(tmp_path: Path) -> None:
    """Orders can be seen and given all the same; a program is told by the exit code."""
    listed = run_opsctl("breakers", "list", folder=tmp_path)
    assert listed.exit_code == 3
    assert "the service does not answer" in listed.stderr


def test_who_takes_the_place_of_an_order_is_told_whose_it_was(tmp_path: Path) -> None:
    """The other one had a reason."""
    run_opsctl("breakers", "isolate", "l2", "--owner", "anna", "--reason", "rebuild", folder=tmp_path)
    told = run_opsctl("breakers", "force-closed", "l2", "--owner", "bert", folder=tmp_path)
    assert "instead of: isolated, ordered by anna (rebuild)" in told.stderr


def test_a_damaged_file_of_orders_is_told_and_moved_aside_by_the_next_order(tmp_path: Path) -> None:
    """Somebody ordered something there, and it does not hold."""
    path = tmp_path / ".opsctl" / "service" / "breakers.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")

    listed = run_opsctl("breakers", "list", folder=tmp_path)
    given = run_opsctl("breakers", "isolate", "l2", "--owner", "anna", "--json", folder=tmp_path)

    assert "breakers.json` is damaged" in listed.stderr
    assert given.exit_code == 0
    assert "it is moved to" in given.stderr
    assert path.with_suffix(".damaged").read_text() == "{"


def test_words_of_an_operator_are_shown_as_they_were_written(tmp_path: Path) -> None:
    """Brackets in them are no colours."""
    words = ("--owner", "[red]anna", "--reason", "see [/wiki/vectors]")
    run_opsctl("breakers", "isolate", "vectors", *words, folder=tmp_path)

    listed = run_opsctl("breakers", "list", folder=tmp_path)
    again = run_opsctl("breakers", "isolate", "vectors", "--owner", "bert", folder=tmp_path)

    assert "[red]anna" in listed.stdout
    assert "see [/wiki/vectors]" in listed.stdout
    assert "ordered by [red]anna (see [/wiki/vectors])" in again.stderr
