"""The catalogue's commands as a person runs them, on a real PostgreSQL and a real vector engine."""

import json
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient
from tests.cli.command import Outcome, run_opsctl
from tests.running_node import RunningNode

from opsctl.clients.postgres import DatabaseAddress

pytestmark = pytest.mark.stack

LISTINGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "nyc_listings.csv"

MAPPING = """\
source: shop
id: id
fields:
  title: title
  region: {constant: AU}
  category: {constant: venue}
  quality: {constant: 0.5}
"""


class Shell:
    """Runs `opsctl catalog` in one project folder against the session's servers."""

    def __init__(self, folder: Path, database: DatabaseAddress, node: RunningNode) -> None:
        self.folder = folder
        self._environment = {
            "OPSCTL_DATABASE_URL": database.url,
            "OPSCTL_DATABASE_PASSWORD": database.password or "",
            "OPSCTL_QDRANT_URL": node.url,
        }

    def run(self, *arguments: str) -> Outcome:
        """Run one verb."""
        return run_opsctl("catalog", *arguments, folder=self.folder, environment=self._environment)

    def data(self, *arguments: str) -> Any:
        """Run one verb that must be good, and return the data of its JSON document."""
        outcome = self.run(*arguments, "--json")
        assert outcome.exit_code == 0, outcome.stderr
        return json.loads(outcome.stdout)["data"]


@pytest.fixture
def shell(tmp_path: Path, database: DatabaseAddress, vector_node: RunningNode, qdrant: QdrantClient) -> Shell:
    """Give a project folder with a small file and its mapping."""
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    (tmp_path / "rows.csv").write_text("id,title\n1,one\n2,two\n3,\n")
    return Shell(tmp_path, database, vector_node)


@pytest.mark.slow
def test_generate_fills_database_and_collection_and_a_second_run_changes_nothing(
    shell: Shell, qdrant: QdrantClient
) -> None:
    """The same seed, the same items."""
    first = shell.data("generate", "--items", "300", "--seed", "3")
    second = shell.data("generate", "--items", "300", "--seed", "3")
    stats = shell.data("stats")

    assert first["counts"] == {"inserted": 300, "updated": 0, "unchanged": 0}
    assert second["counts"] == {"inserted": 0, "updated": 0, "unchanged": 300}
    assert (first["sync"]["points"], second["sync"]["changes"]) == (300, 0)
    assert qdrant.count("content").count == 300
    assert (stats["content"]["total"], stats["content"]["sources"]) == (300, {"generated_3": 300})
    assert (stats["lag_changes"], stats["watermark"]) == (0, first["sync"]["watermark"])


@pytest.mark.slow
def test_generate_without_sync_leaves_a_lag_that_sync_takes_away(shell: Shell, qdrant: QdrantClient) -> None:
    """The two halves can be run apart; a dry run of sync only looks."""
    shell.data("generate", "--items", "50", "--no-sync")
    before = shell.data("stats")
    looked = shell.data("sync", "--dry-run")
    synced = shell.data("sync")

    assert (before["lag_changes"], looked["before"]["lag_changes"]) == (50, 50)
    assert (synced["sync"]["upserted"], qdrant.count("content").count) == (50, 50)


@pytest.mark.slow
def test_dry_runs_need_no_server_and_write_nothing(tmp_path: Path, shell: Shell) -> None:
    """A wrong address does not matter."""
    wrong = {"OPSCTL_DATABASE_URL": "postgresql://x@127.0.0.1:1/x", "OPSCTL_QDRANT_URL": "http://127.0.0.1:1"}

    generated = run_opsctl("catalog", "generate", "--dry-run", folder=tmp_path, environment=wrong)
    imported = run_opsctl(
        "catalog", "import", "rows.csv", "--mapping", "mapping.yaml", "--dry-run", "--max-rejects", "50%",
        folder=tmp_path, environment=wrong,
    )  # fmt: skip

    assert generated.exit_code == 0, generated.stderr
    assert generated.stdout.startswith("would write 20,000 items of ")
    assert (imported.exit_code, imported.stdout) == (
        0,
        "rows.csv: 2 of 3 rows are good\n1 of 3 rows rejected (33.33%):\n  line 4: the title is empty\n",
    )
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["mapping.yaml", "rows.csv"]


@pytest.mark.slow
def test_too_many_rejects_end_with_exit_code_one_and_the_good_rows_kept(
    shell: Shell, qdrant: QdrantClient
) -> None:
    """What was imported is said, and where the bad rows stand."""
    outcome = shell.run("import", "rows.csv", "--mapping", "mapping.yaml")

    assert outcome.exit_code == 1
    assert "rows.csv: 3 rows; 2 new, 0 changed, 0 as they were" in outcome.stdout
    assert "line 4: the title is empty" in outcome.stdout
    assert "error[CAT008]: 1 of 3 rows were rejected (33.3%); --max-rejects allows 5.0%" in outcome.stderr
    assert (shell.folder / ".opsctl" / "imports" / "shop-rows.rejects.jsonl").is_file()
    assert qdrant.count("content").count == 2


@pytest.mark.slow
def test_a_file_without_the_mapped_columns_is_refused_with_exit_code_two(shell: Shell) -> None:
    """One JSON document, the nearest name in it, and nothing imported."""
    (shell.folder / "rows.csv").write_text("id,titel\n1,one\n")

    outcome = shell.run("import", "rows.csv", "--mapping", "mapping.yaml", "--json")

    document = json.loads(outcome.stdout)
    assert (outcome.exit_code, document["ok"]) == (2, False)
    assert next((finding["code"], finding["fix"]) for finding in document["findings"]) == (
        "CAT001",
        "did you mean `titel`?",
    )
    assert shell.data("stats")["content"]["total"] == 0


@pytest.mark.parametrize("name", ["nowhere", "n" * 300])
def test_an_unknown_mapping_is_refused_with_the_shipped_ones(shell: Shell, name: str) -> None:
    """CAT009, also for a name that no file system would take."""
    outcome = shell.run("import", "rows.csv", "--mapping", name)

    assert outcome.exit_code == 2
    assert f"error[CAT009]: there is no mapping `{name[:40]}" in outcome.stderr
    assert "nyc_listings" in outcome.stderr


@pytest.mark.slow
@pytest.mark.skipif(not LISTINGS.is_file(), reason="../shared/data/nyc_listings.csv is not here")
def test_the_real_listings_become_the_source_collection(shell: Shell, qdrant: QdrantClient) -> None:
    """All 26,155, with the shipped mapping; a second import changes nothing."""
    first = shell.data("import", str(LISTINGS), "--mapping", "nyc_listings")
    second = shell.data("import", str(LISTINGS), "--mapping", "nyc_listings")
    stats = shell.data("stats")["content"]

    assert (first["import"]["rows"], first["import"]["rejected"]) == (26_155, 0)
    assert first["import"]["counts"] == {"inserted": 26_155, "updated": 0, "unchanged": 0}
    assert (second["import"]["was_imported_before"], second["sync"]["changes"]) == (True, 0)
    assert qdrant.count("content").count == 26_155
    counts = {(group["region"], group["category"]): group["count"] for group in stats["groups"]}
    assert counts["Manhattan", "Entire home/apt"] == 6531
    assert len(counts) == 15


@pytest.mark.parametrize("arguments", [(), ("--dry-run",)])
def test_a_file_that_is_not_there_is_told_before_servers_are_started(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """Nothing is configured here, so a server could only be the embedded stack."""
    (tmp_path / "mapping.yaml").write_text(MAPPING)

    outcome = run_opsctl(
        "catalog", "import", "none.csv", "--mapping", "mapping.yaml", *arguments, folder=tmp_path
    )

    assert (outcome.exit_code, "FIL004" in outcome.stderr) == (2, True)
    assert not (tmp_path / ".opsctl" / "stack").exists()
