"""`opsctl artefacts` as a person runs it: in the folder of the project, and in a bucket of a stand-in for Supabase."""

import json
import os
from pathlib import Path

import pytest
from tests.cli.command import run_opsctl
from tests.clients.supabase_standin import SECRET_KEY, running_standin


@pytest.mark.slow
@pytest.mark.parametrize("is_remote", [False, True])
def test_put_list_and_get(tmp_path: Path, is_remote: bool) -> None:  # noqa: FBT001 - pytest gives it so
    """The digest is shown at each step, the key never."""
    (tmp_path / "report.html").write_text("<p>fine</p>")
    with running_standin() as standin:
        remote = {"OPSCTL_SUPABASE_URL": standin.url, "OPSCTL_SUPABASE_BUCKET": "opsctl"}
        environment = remote | {"OPSCTL_SUPABASE_KEY": SECRET_KEY} if is_remote else {}
        plan = run_opsctl(
            "artefacts", "put", "report.html", "--dry-run", folder=tmp_path, environment=environment
        )
        empty = run_opsctl("artefacts", "list", folder=tmp_path, environment=environment)
        put = run_opsctl(
            "artefacts", "put", "report.html", "--json", folder=tmp_path, environment=environment
        )
        listed = run_opsctl("artefacts", "list", folder=tmp_path, environment=environment)
        got = run_opsctl(
            "artefacts", "get", "report.html", "--to", "back.html", folder=tmp_path, environment=environment
        )
        (tmp_path / "sub").mkdir()
        run_opsctl("artefacts", "get", "report.html", "--to", "sub", folder=tmp_path, environment=environment)

    place = f"{standin.url}, bucket opsctl" if is_remote else "FOLDER/.opsctl/artefacts"
    sha256 = json.loads(put.stdout)["data"]["artefact"]["sha256"]
    assert (plan.exit_code, plan.stdout) == (0, f"would keep report.html, 11 B, in {place}\n")
    assert (empty.exit_code, empty.stdout) == (0, f"nothing is kept in {place}\n")
    assert (listed.exit_code, sha256[:12] in listed.stdout) == (0, True)
    assert (got.exit_code, sha256 in got.stdout) == (0, True)
    assert (tmp_path / "back.html").read_text() == "<p>fine</p>"
    assert (tmp_path / "sub" / "report.html").read_text() == "<p>fine</p>"
    assert SECRET_KEY not in "".join(each.stdout + each.stderr for each in (plan, empty, put, listed, got))


def test_refusals_have_codes_and_a_next_step(tmp_path: Path) -> None:
    """A bad name, a pipe, an unknown name, and a bucket without a project."""
    (tmp_path / "a b").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    bucket = {"OPSCTL_SUPABASE_BUCKET": "opsctl"}

    refused = [
        run_opsctl("artefacts", "put", "a b", folder=tmp_path),
        run_opsctl("artefacts", "put", "pipe", folder=tmp_path),
        run_opsctl("artefacts", "get", "nothing", folder=tmp_path),
        run_opsctl("artefacts", "list", folder=tmp_path, environment=bucket),
    ]

    codes = [outcome.stderr.partition("]")[0] for outcome in refused]
    assert codes == ["error[ART001", "error[FIL004", "error[ART002", "error[SUP001"]
    assert [outcome.exit_code for outcome in refused] == [2, 2, 2, 2]
    assert all("hint:" in outcome.stderr for outcome in refused)


@pytest.mark.parametrize("is_remote", [False, True])
def test_a_file_that_is_there_is_overwritten_only_by_force(tmp_path: Path, is_remote: bool) -> None:  # noqa: FBT001 - pytest gives it so
    """The refusal names both ways on, and no half of a file is left beside it."""
    (tmp_path / "report.html").write_text("<p>fine</p>")
    with running_standin() as standin:
        remote = {"OPSCTL_SUPABASE_URL": standin.url, "OPSCTL_SUPABASE_BUCKET": "opsctl"}
        environment = remote | {"OPSCTL_SUPABASE_KEY": SECRET_KEY} if is_remote else {}
        run_opsctl("artefacts", "put", "report.html", folder=tmp_path, environment=environment)
        (tmp_path / "report.html").write_text("mine")
        refused = run_opsctl("artefacts", "get", "report.html", folder=tmp_path, environment=environment)
        kept = (tmp_path / "report.html").read_text()
        forced = run_opsctl(
            "artefacts", "get", "report.html", "--force", folder=tmp_path, environment=environment
        )

    assert (refused.exit_code, kept) == (4, "mine")
    assert "ART005" in refused.stderr
    assert all(way in refused.stderr for way in ("--to FILE", "--force"))
    assert (forced.exit_code, (tmp_path / "report.html").read_text()) == (0, "<p>fine</p>")
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith((".tmp", ".whole"))] == []
