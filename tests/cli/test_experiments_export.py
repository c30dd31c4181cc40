"""What `opsctl experiments export` writes is what `analyze --from` reads."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cli.command import run_opsctl
from tests.experiments.books import document

from opsctl.clients.postgres import DatabaseAddress, connect

pytestmark = pytest.mark.stack
_READERS = 40


def _run(*arguments: str, folder: Path, database: DatabaseAddress) -> tuple[int, dict[str, Any]]:
    environment = {
        "OPSCTL_DATABASE_URL": database.url,
        "OPSCTL_DATABASE_PASSWORD": database.password or "",
    }
    done = run_opsctl("experiments", *arguments, "--json", folder=folder, environment=environment)
    assert done.stdout, done.stderr
    return done.exit_code, json.loads(done.stdout)["data"]


def _expose(database: DatabaseAddress) -> None:
    with connect(database) as connection:
        connection.execute(
            "insert into experiment_exposures (idempotency_key, experiment, unit_id, variant, exposed_at)"
            " select n::text, 'agents', n::text, case n %% 2 when 0 then 'control' else 'changed' end, clock_timestamp()"
            " from generate_series(1, %s) as n",
            [_READERS],
        )


@pytest.mark.slow
def test_exported_files_tell_the_units_that_the_database_tells(
    tmp_path: Path, database: DatabaseAddress
) -> None:
    """A second export finds nothing new."""
    books = tmp_path / "ops" / "experiments"
    books.mkdir(parents=True)
    (books / "agents.yaml").write_text(yaml.safe_dump(document(), sort_keys=False), encoding="utf-8")
    _run("start", "agents", "--confirm", "agents", folder=tmp_path, database=database)
    _expose(database)

    code, first = _run("export", "history", folder=tmp_path, database=database)
    _, second = _run("export", "history", folder=tmp_path, database=database)
    seen = [
        _run(
            "analyze", "agents", *source, "--at", first["complete_until"], folder=tmp_path, database=database
        )[1]
        for source in (("--from", "history"), ())
    ]

    assert code == 0
    assert first["rows"]["exposures"] == _READERS
    assert first["files"] == 1
    assert second["files"] == 0
    assert seen[0]["units"] == seen[1]["units"] == {"control": _READERS // 2, "changed": _READERS // 2}
