"""Whole commands of `opsctl collections`: exit codes, documents and evidence."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import run_opsctl
from tests.qdrant_collections.conftest import make_source

from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_values import DropAlias, QdrantPlace

pytestmark = pytest.mark.stack

BOOK = """
source: {collection: content}
derived:
  au_photographers:
    filter: {region: AU, category: photographer}
    budgets: {p95: 10s}
"""


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Give a project whose vectors are on the session's node, with a filled source."""
    request.getfixturevalue("qdrant")  # it deletes what the commands made
    url = request.getfixturevalue("vector_node").url
    with QdrantStore(QdrantPlace(url=url)) as store:
        make_source(store)
    (tmp_path / "ops").mkdir()
    (tmp_path / "opsctl.yaml").write_text(f"qdrant: {{url: '{url}'}}\n")
    (tmp_path / "ops" / "collections.yaml").write_text(BOOK)
    return tmp_path


def run(project: Path, *arguments: str) -> tuple[int, Any, str]:
    """Run a command with --json; return its exit code, its document and what it said on stderr."""
    done = run_opsctl(*arguments, "--json", folder=project)
    return done.exit_code, json.loads(done.stdout) if done.stdout else None, done.stderr


def test_the_life_of_a_derived_collection_by_command(project: Path) -> None:
    """Every verb ends with its code, its document and its evidence."""
    nothing_yet = run(project, "collections", "status")
    preview = run(project, "collections", "rebuild", "--dry-run")
    built = run(project, "collections", "rebuild", "--watch", "0s")
    again = run(project, "collections", "rebuild", "au_photographers", "--watch", "0s")
    verified = run(project, "collections", "verify")
    level = run(project, "collections", "drift")
    unconfirmed = run(project, "collections", "rollback", "au_photographers")
    rolled_back = run(project, "collections", "rollback", "au_photographers", "--yes")
    kept = run(project, "collections", "gc")
    status = run(project, "collections", "status")
    evidence = run(project, "evidence", "list")

    codes = [each[0] for each in (nothing_yet, preview, built, again, verified, level)]
    assert codes == [1, 0, 0, 0, 0, 0], built[2]
    assert (unconfirmed[0], rolled_back[0], kept[0], status[0]) == (4, 0, 0, 0)
    assert preview[1]["data"][0]["plan"]["points"] == 100
    assert (built[1]["schema"], built[1]["ok"]) == ("opsctl.collections.rebuild/v1", True)
    assert status[1]["data"][0]["live"] == built[1]["data"][0]["generation"]
    assert [record["kind"] for record in evidence[1]["data"]] == [
        "collections.rollback",
        "collections.drift",
        "collections.verify",
        "collections.rebuild",
        "collections.rebuild",
    ]


@pytest.mark.drill
def test_an_alias_that_a_script_deleted_is_led_to_its_generation_again(project: Path) -> None:
    """Drift says how; a dry run changes nothing; one name without a generation does not keep the other back."""
    url = (project / "opsctl.yaml").read_text().split("'")[1]
    never_built = "  us_venues:\n    filter: {region: US, category: venue}\n"
    built = run(project, "collections", "rebuild", "--watch", "0s")
    (project / "ops" / "collections.yaml").write_text(BOOK + never_built)
    with QdrantStore(QdrantPlace(url=url)) as store:
        store.change_aliases([DropAlias(alias="au_photographers")])
        lost = run(project, "collections", "drift", "au_photographers")
        preview = run(project, "collections", "realias", "--dry-run")
        after_preview = store.aliases()
        done = run(project, "collections", "realias")
        again = run(project, "collections", "realias", "au_photographers")
        served = store.aliases()
    level = run(project, "collections", "drift", "au_photographers", "--repair")
    evidence = run(project, "evidence", "list", "--kind", "collections.realias")

    generation = built[1]["data"][0]["generation"]
    assert (lost[0], "opsctl collections realias au_photographers" in lost[2]) == (4, True)
    assert (preview[0], preview[1]["data"], after_preview) == (1, done[1]["data"], {})
    assert (done[0], done[1]["schema"], done[1]["ok"]) == (1, "opsctl.collections.realias/v1", False)
    assert [finding["code"] for finding in done[1]["findings"]] == ["COL031"]
    assert "opsctl collections rebuild us_venues" in done[2]
    assert (again[0], again[1]["data"][0]["fate"]) == (0, "left alone")
    assert (served, level[0]) == ({"au_photographers": generation}, 0)
    assert [record["subject"] for record in evidence[1]["data"]] == ["au_photographers"]


def test_an_unknown_name_is_a_usage_error_with_a_guess(project: Path) -> None:
    """The document carries the finding, stderr the hint."""
    code, document, said = run(project, "collections", "rebuild", "au_photografers")

    assert (code, document["ok"]) == (2, False)
    assert "did you mean `au_photographers`?" in said


@pytest.mark.slow
def test_a_refused_rebuild_leaves_with_its_own_code(project: Path) -> None:
    """A filter on an unknown field is a refusal, not a failure."""
    (project / "ops" / "collections.yaml").write_text(BOOK.replace("region: AU", "regoin: AU"))

    code, document, said = run(project, "collections", "rebuild")

    assert code == 4
    assert [finding["code"] for finding in document["findings"]] == ["COL016"]
    assert "did you mean `region`?" in said


@pytest.mark.slow
def test_a_server_that_is_away_is_not_ready(project: Path) -> None:
    """Nothing is started in place of a server that was configured."""
    (project / "opsctl.yaml").write_text("qdrant: {url: 'http://127.0.0.1:9'}\n")

    code, document, said = run(project, "collections", "status")

    assert (code, document["ok"]) == (3, False)
    assert "COL001" in said
