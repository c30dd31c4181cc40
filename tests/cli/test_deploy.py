"""Whole commands of `opsctl deploy`: what they write, what they say of it, how they end."""

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml
from tests.cli.command import Outcome, run_opsctl


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project as `opsctl init` writes it, rendered once."""
    folder = tmp_path_factory.mktemp("shop")
    assert run_opsctl("init", folder=folder).exit_code == 0
    done = run_opsctl("deploy", "render", folder=folder)
    assert done.exit_code == 0, done.stdout + done.stderr
    (folder / "render.txt").write_text(done.stdout)
    return folder


@pytest.fixture
def copy(project: Path, tmp_path: Path) -> Path:
    """Give a copy of it to change."""
    return Path(shutil.copytree(project, tmp_path / "copy"))


def deploy(*words: str, folder: Path, **environment: str) -> Outcome:
    """Run a verb on the part that takes the least time."""
    return run_opsctl("deploy", *words, "--only", "qdrant", folder=folder, environment=environment)


@pytest.mark.slow
def test_a_render_ends_with_who_looked_at_what(project: Path):
    """A table of parts, checkers and results; every part is there."""
    said = (project / "render.txt").read_text()

    assert "files written to deploy" in said
    assert "wrote     qdrant/                      2 files" in said, "many files are counted by folder"
    assert "missing" not in said, "what was just written is not missing"
    assert [line for line in said.splitlines() if "refused" in line] == []
    for part in ("image", "compose", "kubernetes", "qdrant", "worker", "ci"):
        assert (project / "deploy" / part / "lock.json").is_file()
        assert any(line.startswith(part) for line in said.splitlines())


@pytest.mark.slow
def test_a_render_is_recorded_with_what_was_known(project: Path):
    """Where nobody here could look at a file, it is no pass."""
    listed = json.loads(
        run_opsctl("evidence", "list", "--kind", "deploy.render", "--json", folder=project).stdout
    )
    (record,) = listed["data"]
    said = (project / "render.txt").read_text()

    assert record["verdict"] == ("inconclusive" if "could not tell" in said else "pass")
    assert "compose/lock.json" in record["inputs"]


def test_nothing_differs_after_a_render(copy: Path):
    """The same books give the same bytes."""
    checked = deploy("render", "--check", folder=copy)

    assert checked.exit_code == 0
    assert "are as their books say" in checked.stdout


def test_a_file_that_was_edited_is_found_and_shown(copy: Path):
    """Exit 1, with the line; nothing is changed by looking."""
    file = copy / "deploy" / "qdrant" / "production.yaml"
    file.write_text(file.read_text().replace("shard_number: 6", "shard_number: 7"))

    checked = deploy("render", "--check", folder=copy)

    assert checked.exit_code == 1
    assert "changed   qdrant/production.yaml" in checked.stdout
    assert "-    shard_number: 7" in checked.stdout
    assert "shard_number: 7\n" in file.read_text()


@pytest.mark.slow
def test_a_book_that_changed_is_drift_until_it_is_rendered(copy: Path):
    """And a dry run says so without writing."""
    book = copy / "ops" / "deploy.yaml"
    book.write_text(book.read_text().replace("shards: 6", "shards: 12"))

    tried = deploy("render", "--dry-run", folder=copy)
    checked = deploy("render", "--check", folder=copy)
    done = deploy("render", folder=copy)

    assert (tried.exit_code, checked.exit_code, done.exit_code) == (0, 1, 0)
    found = yaml.safe_load((copy / "deploy" / "qdrant" / "production.yaml").read_text())
    assert found["storage"]["collection"]["shard_number"] == 12
    assert deploy("render", "--check", folder=copy).exit_code == 0


def test_one_part_leaves_the_others_alone(copy: Path):
    """Each has a lock of its own."""
    before = (copy / "deploy" / "compose" / "lock.json").read_text()
    (copy / "deploy" / "qdrant" / "lock.json").unlink()
    shutil.rmtree(copy / "deploy" / "qdrant")

    assert deploy("render", folder=copy).exit_code == 0
    assert (copy / "deploy" / "compose" / "lock.json").read_text() == before


def test_a_folder_of_somebody_else_is_not_rendered_into(copy: Path):
    """Exit 4."""
    (copy / "mine" / "qdrant").mkdir(parents=True)
    (copy / "mine" / "qdrant" / "notes.txt").write_text("mine")

    refused = deploy("render", "--out", "mine", folder=copy)

    assert (refused.exit_code, "FIL007" in refused.stderr) == (4, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("images: {qdrant: qdrant/qdrant:latest}", "names no version"),
        ("replicas: {service: .nan}", "ops/deploy.yaml:1"),
        ("qdrant: {nodes: 3, nodes: 4}", "ops/deploy.yaml:1"),
        ('domain: "feed.example.com\\n    evil: true"', "ops/deploy.yaml:1"),
        ("nme: feed", "did you mean `name`"),
        ("name: [", "ops/deploy.yaml"),
    ],
)
def test_a_wrong_book_is_refused_with_its_place(copy: Path, text: str, said: str):
    """Exit 2, and nothing is written."""
    (copy / "ops" / "deploy.yaml").write_text(text)

    refused = deploy("render", folder=copy)

    assert refused.exit_code == 2
    assert said in refused.stderr
    assert run_opsctl("config", "check", folder=copy).exit_code == 2


def test_without_a_book_its_defaults_hold(copy: Path):
    """As of every book but the collections."""
    (copy / "ops" / "deploy.yaml").unlink()

    assert deploy("render", folder=copy).exit_code == 0


def test_what_nobody_here_can_look_at_is_no_pass(copy: Path):
    """A lint ends with 5, and names what is missing; a render has done its work."""
    empty = copy / "bin"
    empty.mkdir()

    linted = run_opsctl("deploy", "lint", "--only", "worker", folder=copy, environment={"PATH": str(empty)})
    done = run_opsctl("deploy", "render", "--only", "worker", folder=copy, environment={"PATH": str(empty)})

    assert (linted.exit_code, done.exit_code) == (5, 0)
    assert "could not tell: there is no `node` here: apt-get install nodejs" in linted.stdout


def test_a_program_that_refuses_a_file_is_heard(copy: Path):
    """Exit 1, with its own words."""
    program = copy / "bin" / "node"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'SyntaxError: no'\nexit 1\n")
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"

    linted = run_opsctl("deploy", "lint", "--only", "worker", folder=copy, environment={"PATH": path})

    assert linted.exit_code == 1
    assert "worker/src/worker.js: refused by node --check" in linted.stdout
    assert "SyntaxError: no" in linted.stdout


def test_json_tells_the_same(copy: Path):
    """One document, with every look."""
    done = run_opsctl("deploy", "lint", "--only", "ci", "--json", folder=copy)
    document = json.loads(done.stdout)

    assert document["schema"] == "opsctl.deploy.lint/v1"
    assert document["data"]["files"] == {"ci": 2}
    assert {each["subject"] for each in document["data"]["checks"]} == {"ci/opsctl.yml"}


def test_every_command_of_the_job_is_one_of_opsctl(project: Path):
    """A flag that was renamed would be found at night."""
    from opsctl.cli.command_tree import why_not

    workflow = yaml.safe_load((project / "deploy" / "ci" / "opsctl.yml").read_text())
    lines = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    commands = [
        part.strip() for line in lines for part in line.split("&&") if part.strip().startswith("opsctl ")
    ]

    # `opsctl bench` alone is the standard suite.
    wrong = {command: why_not(command.split()[1:]) for command in commands if command != "opsctl bench"}
    assert {command: why for command, why in wrong.items() if why} == {}
    wanted = (
        "opsctl bench",
        "opsctl alerts render --check",
        "opsctl chaos run --profile ci",
        "opsctl dr drill --profile ci",
        "opsctl checklist run",
    )
    assert [each for each in wanted if not any(command.startswith(each) for command in commands)] == []


def test_every_action_of_the_job_stands_at_a_commit(project: Path):
    """A tag can be moved by whoever owns it."""
    workflow = yaml.safe_load((project / "deploy" / "ci" / "opsctl.yml").read_text())
    used = [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]

    assert used
    assert [each for each in used if len(each.partition("@")[2]) != 40] == []
    assert workflow["permissions"] == {"contents": "read"}


def test_what_containers_run_are_commands_of_opsctl(project: Path):
    """Those of compose, as it would start them."""
    from opsctl.cli.command_tree import why_not

    services = yaml.safe_load((project / "deploy" / "compose" / "compose.yaml").read_text())["services"]
    ours = {name: each["command"] for name, each in services.items() if each["image"].startswith("opsctl:")}

    assert set(ours) == {"service", "migrate", "exporter", "archiver", "backup"}
    assert {name: why_not(words) for name, words in ours.items() if why_not(words)} == {}


def test_the_job_keeps_the_proofs_of_runs_that_failed_and_can_tell_what_has_changed(project: Path):
    """A ledger that forgets its failures would pass by what was measured before them; a shallow clone knows no older commit."""
    workflow = yaml.safe_load((project / "deploy" / "ci" / "opsctl.yml").read_text())
    steps = workflow["jobs"]["proofs"]["steps"]
    (checkout,) = (each for each in steps if each.get("uses", "").startswith("actions/checkout@"))
    (save,) = (each for each in steps if each.get("uses", "").startswith("actions/cache/save@"))
    (restore,) = (each for each in steps if each.get("uses", "").startswith("actions/cache/restore@"))

    assert checkout["with"]["fetch-depth"] == 0
    assert save["if"] == "always()"
    assert save["with"]["path"] == restore["with"]["path"] == ".opsctl/evidence"
    assert save["with"]["key"].startswith(restore["with"]["restore-keys"])
    names = [each.get("name") for each in steps]
    assert steps.index(save) > names.index("checklist") > steps.index(restore)


@pytest.mark.parametrize("out", [".", "ops", ".."])
def test_a_folder_that_holds_the_project_is_refused(copy: Path, out: str):
    """The project's root would get six folders more, beside those that are its own."""
    before = _files(copy.parent)

    outcome = deploy("render", "--out", out, folder=copy)

    assert outcome.exit_code == 4
    assert f"`{out}` holds the project or its books" in outcome.stderr
    assert _files(copy.parent) == before


@pytest.mark.slow
def test_a_part_that_is_somebody_elses_keeps_every_part_from_being_written(copy: Path):
    """Half a deployment would be worse than none."""
    (copy / "elsewhere" / "qdrant").mkdir(parents=True)
    (copy / "elsewhere" / "qdrant" / "own.yaml").write_text("mine: true\n")

    outcome = run_opsctl(
        "deploy", "render", "--only", "ci", "--only", "qdrant", "--out", "elsewhere", folder=copy
    )

    assert outcome.exit_code == 4
    assert "own.yaml" in outcome.stderr
    assert not (copy / "elsewhere" / "ci").exists()


def _files(folder: Path) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".opsctl" not in path.parts
    }
