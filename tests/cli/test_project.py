"""init, doctor, explain and config as whole commands."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from tests.cli.command import run_opsctl

from opsctl import assets
from opsctl.chaos.registry import fault_named
from opsctl.cli.explain import all_explanations
from opsctl.cli.wiring import book_models
from opsctl.config.schema import render_schema


def test_init_writes_a_project_and_a_second_time_changes_nothing(tmp_path: Path):
    """The starter files are right as they are, and somebody's edits are kept."""
    first = run_opsctl("-v", "init", folder=tmp_path)
    (tmp_path / "opsctl.yaml").write_text("state_dir: .mine\n")
    second = run_opsctl("init", folder=tmp_path)

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "wrote           opsctl.yaml" in first.stdout
    assert "wrote           ops/collections.yaml" in first.stdout
    assert "wrote           ops/loads/feed_scenario.py" in first.stdout
    assert {line.split()[0] for line in second.stdout.splitlines()} == {"kept"}
    assert (tmp_path / "opsctl.yaml").read_text() == "state_dir: .mine\n"


def test_what_the_stack_keeps_is_not_committed_by_accident(tmp_path: Path):
    """`git add -A` in a new project takes neither the state folder nor files of secrets along."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    run_opsctl("init", folder=tmp_path)
    for name in (".opsctl/stack/postgres/password", "secrets/slack_webhook_url", "ops/mine.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")

    listed = subprocess.run(
        ["git", "-C", str(tmp_path), "ls-files", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()

    assert "ops/mine.yaml" in listed
    assert not [name for name in listed if name.startswith((".opsctl/", "secrets/"))]


def test_init_dry_run_writes_nothing(tmp_path: Path):
    """What would be written is shown."""
    outcome = run_opsctl("init", "--dry-run", folder=tmp_path)

    assert "would write     opsctl.yaml" in outcome.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_archiver_brings_the_database_that_it_follows(tmp_path: Path):
    """Only where that is the embedded one."""
    plan = "stack", "up", "archiver", "--dry-run", "--json"
    embedded = run_opsctl(*plan, folder=tmp_path)
    elsewhere = run_opsctl(
        *plan, folder=tmp_path, environment={"OPSCTL_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}
    )

    parts = [[step["name"] for step in json.loads(each.stdout)["data"]] for each in (embedded, elsewhere)]
    assert parts == [["postgres", "archiver"], ["archiver"]]


def test_init_with_force_brings_the_starter_back(tmp_path: Path):
    """`--force` is the only way to lose an edit."""
    run_opsctl("init", folder=tmp_path)
    (tmp_path / "opsctl.yaml").write_text("state_dir: .mine\n")

    outcome = run_opsctl("init", "--force", folder=tmp_path)

    assert "overwrote       opsctl.yaml" in outcome.stdout
    assert "state_dir: .mine" not in (tmp_path / "opsctl.yaml").read_text()


@pytest.mark.slow
def test_a_fresh_project_passes_its_own_checks(tmp_path: Path):
    """Every starter book validates."""
    run_opsctl("init", folder=tmp_path)
    outcome = run_opsctl("-v", "config", "check", folder=tmp_path)

    loads = ("breakpoint", "cold", "quick", "soak", "spike", "standard")
    books = [
        *("opsctl.yaml", "ops/collections.yaml", "ops/cache.yaml", "ops/service.yaml", "ops/backup.yaml"),
        *("ops/deploy.yaml", "ops/checklist.yaml", "ops/prices.yaml", "ops/costs.yaml", "ops/waivers.yaml"),
        *(f"ops/loads/{load}.yaml" for load in loads),
        *(f"dashboards/{name}.yaml" for name in ("ai", "business", "drills", "experiments", "slo", "system")),
        *(f"ops/drills/{path.name}" for path in sorted(assets.drills().glob("*.yaml"))),
        *(
            f"ops/recoveries/{path.name}"
            for path in sorted(assets.watching()["ops/recoveries"].glob("*.yaml"))
        ),
        *(f"ops/experiments/{path.name}" for path in sorted(assets.experiments().glob("*.yaml"))),
        *(f"ops/training/{path.name}" for path in sorted(assets.watching()["ops/training"].glob("*.yaml"))),
        *(
            f"alerts/{name}.yaml"
            for name in (
                "costs",
                "delivery",
                "dependencies",
                "experiments",
                "models",
                "ranking",
                "recovery",
                "watching",
            )
        ),
    ]
    assert (outcome.exit_code, outcome.stdout) == (0, "".join(f"ok  {book}\n" for book in books))


def test_every_starter_book_names_a_schema_that_init_writes(tmp_path: Path):
    """Editors find the schema beside the book."""
    run_opsctl("init", folder=tmp_path)
    books = (tmp_path / "opsctl.yaml", *(tmp_path / "ops").rglob("*.yaml"))
    assert len(books) > 40
    for book in books:
        modeline = re.match(r"# yaml-language-server: \$schema=(\S+)", book.read_text())

        assert modeline is not None, book
        assert (book.parent / modeline[1]).is_file()


@pytest.mark.slow
def test_doctor_names_what_is_wrong_and_how_to_mend_it(tmp_path: Path):
    """A broken book is found before a command trips over it."""
    run_opsctl("init", folder=tmp_path)
    (tmp_path / "ops" / "collections.yaml").write_text("sorce: {}\n")

    outcome = run_opsctl("doctor", folder=tmp_path)

    assert outcome.exit_code == 3
    assert "✘ fail books" in outcome.stdout
    assert "unknown key `sorce`" in outcome.stdout
    assert "opsctl explain DOC002" in outcome.stderr


@pytest.mark.slow
def test_doctor_is_content_with_a_fresh_project(tmp_path: Path):
    """Nothing has to be started for it."""
    run_opsctl("init", folder=tmp_path)
    outcome = run_opsctl("doctor", "--json", folder=tmp_path)
    found = {row["title"]: row["result"]["status"] for row in json.loads(outcome.stdout)["data"]}

    assert outcome.exit_code == 0
    assert found["settings"] == "ok"
    assert found["books"] == "ok"
    assert found["vector database"] == "skip"


@pytest.mark.slow
def test_doctor_reports_a_server_that_is_gone(tmp_path: Path):
    """A configured address is asked; port 1 answers nobody."""
    run_opsctl("init", folder=tmp_path)
    outcome = run_opsctl("doctor", folder=tmp_path, environment={"OPSCTL_QDRANT_URL": "http://127.0.0.1:1"})

    assert outcome.exit_code == 3
    assert "✘ fail vector database" in outcome.stdout


@pytest.mark.slow
def test_doctor_warns_of_debian_programs_that_are_missing(tmp_path: Path):
    """With the packages to install; nothing of what is there needs them, so it is no failure."""
    run_opsctl("init", folder=tmp_path)
    outcome = run_opsctl("doctor", folder=tmp_path, environment={"PATH": str(tmp_path)})

    assert outcome.exit_code == 0
    assert "hint: apt-get install prometheus prometheus-alertmanager" in outcome.stdout
    assert "hint: apt-get install redis-server" in outcome.stdout
    (line,) = (
        each for each in outcome.stdout.splitlines() if " redis-server " in f"{each} " and "warn" in each
    )
    assert "drills of the shared cache" in line


def test_config_show_prints_origins_and_hides_passwords(tmp_path: Path):
    """A password that somebody put into a URL against all advice is not shown."""
    outcome = run_opsctl(
        "config",
        "show",
        folder=tmp_path,
        environment={"OPSCTL_DATABASE_URL": "postgresql://me:secret@db.example/postgres"},
    )

    assert "postgresql://me:***@db.example/postgres  OPSCTL_DATABASE_URL" in outcome.stdout
    assert "secret" not in outcome.stdout + outcome.stderr


def test_a_broken_setting_is_one_json_document_too(tmp_path: Path):
    """A program that asked for JSON gets JSON, also when the command fails."""
    (tmp_path / "opsctl.yaml").write_text("qdrant:\n  ulr: x\n")
    outcome = run_opsctl("config", "show", "--json", folder=tmp_path)
    answer = json.loads(outcome.stdout)

    assert outcome.exit_code == 2
    assert answer["ok"] is False
    assert answer["findings"][0]["title"] == "unknown key `ulr`"
    assert answer["findings"][0]["location"]["line"] == 2


def test_an_error_is_shown_like_a_compiler_does(tmp_path: Path):
    """What, where with a caret, and the next step."""
    (tmp_path / "opsctl.yaml").write_text("qdrant:\n  ulr: x\n")
    outcome = run_opsctl("config", "show", folder=tmp_path)

    assert outcome.stdout == ""
    assert outcome.stderr == (
        "error[CFG004]: unknown key `ulr`\n"
        "  --> opsctl.yaml:2:3\n"
        "    2 |   ulr: x\n"
        "          ^\n"
        "  hint: did you mean `url`?\n"
        "\n"
        "error[CFG003]: `FOLDER/opsctl.yaml` has 1 problem\n"
        "\n"
        "hint: mend the book and run the same command again; nothing was changed\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CFG004", "cfg004", "exit-codes", "EXIT-CODES"])
def test_explain_takes_codes_and_topics_in_any_case(tmp_path: Path, name: str):
    """Whoever copies a code from a message gets its explanation."""
    outcome = run_opsctl("explain", name, folder=tmp_path)

    assert outcome.exit_code == 0
    assert len(outcome.stdout.splitlines()) > 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vectors_down", "database_locked"])
def test_explain_takes_a_fault_by_its_name(tmp_path: Path, name: str):
    """Drills and lists call it so; its code stands above its page, for a program too."""
    fault = fault_named(name)

    outcome = run_opsctl("explain", name, folder=tmp_path)
    document = json.loads(run_opsctl("explain", name, "--json", folder=tmp_path).stdout)

    assert outcome.stdout.splitlines()[0] == fault.code
    assert fault.explanation.splitlines()[0] in outcome.stdout
    assert list(document["data"]) == [fault.code]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "right"),
    [("CFG0004", "CFG004"), ("exit-cods", "exit-codes"), ("database_lokced", "database_locked")],
)
def test_explain_of_an_unknown_name_shows_the_nearest(tmp_path: Path, wrong: str, right: str):
    """A typing error costs one more try."""
    outcome = run_opsctl("explain", wrong, folder=tmp_path)

    assert outcome.exit_code == 2
    assert f"did you mean `{right}`?" in outcome.stderr


def test_every_code_that_is_raised_is_explained():
    """No message leads to a code that `opsctl explain` does not know."""
    source = Path(assets.__file__).parent
    raised = {
        code
        for path in source.rglob("*.py")
        for code in re.findall(r'code="([A-Z]{3}\d{3})"', path.read_text(encoding="utf-8"))
    }

    assert raised - set(all_explanations()) == set()


@pytest.mark.parametrize("name", ["project", "collections", "mapping"])
def test_committed_schemas_are_those_of_the_models(name: str):
    """`make schemas` was run after the last change of a book's model."""
    committed = (assets.schemas() / f"{name}.json").read_text(encoding="utf-8")

    assert committed == render_schema(book_models()[name], name=name)


def test_no_arguments_show_help_and_exit_2(tmp_path: Path):
    """Nothing was asked for, so nothing was done; the help says what can be."""
    outcome = run_opsctl(folder=tmp_path)

    assert outcome.exit_code == 2
    assert "Start here:" in outcome.stdout + outcome.stderr


def test_a_misspelt_noun_is_corrected(tmp_path: Path):
    """Usage errors exit 2 and name the nearest command."""
    outcome = run_opsctl("colections", folder=tmp_path)

    assert outcome.exit_code == 2
    assert "collections" in outcome.stderr


@pytest.mark.slow
def test_a_project_folder_that_is_not_there_is_named(tmp_path: Path):
    """Only `init` makes it; an empty project would answer in silence."""
    absent = str(tmp_path / "absent")
    refused = run_opsctl("--project", absent, "evidence", "list", folder=tmp_path)
    made = run_opsctl("--project", absent, "init", folder=tmp_path)

    assert (refused.exit_code, made.exit_code) == (2, 0)
    assert "error[CFG007]: the project folder `FOLDER/absent` is not there" in refused.stderr


@pytest.mark.slow
def test_doctor_warns_of_a_secret_that_others_can_read(tmp_path: Path):
    """A warning with the command that mends it; a secret that is not there fails."""
    run_opsctl("init", folder=tmp_path)
    key = tmp_path / "key"
    key.write_text("secret")
    key.chmod(0o644)
    named = {"OPSCTL_DATABASE_PASSWORD_FILE": "key"}

    loose = run_opsctl("doctor", folder=tmp_path, environment=named)
    key.chmod(0o600)
    tight = run_opsctl("doctor", folder=tmp_path, environment=named)
    key.unlink()
    absent = run_opsctl("doctor", folder=tmp_path, environment=named)

    assert (loose.exit_code, tight.exit_code, absent.exit_code) == (0, 0, 3)
    assert "hint: chmod 600 FOLDER/key" in loose.stdout
    assert "✔ ok   secrets" in tight.stdout
    assert "✘ fail secrets" in absent.stdout


@pytest.mark.slow
def test_doctor_sees_an_evidence_folder_that_is_a_file(tmp_path: Path):
    """What is in the way is named before a measurement is lost to it."""
    run_opsctl("init", folder=tmp_path)
    (tmp_path / ".opsctl").mkdir()
    (tmp_path / ".opsctl" / "evidence").write_text("not a folder")

    outcome = run_opsctl("doctor", folder=tmp_path)

    assert outcome.exit_code == 3
    assert "✘ fail state folder" in outcome.stdout


def test_a_missing_book_leads_to_init(tmp_path: Path):
    """A project without books is told how to get some."""
    outcome = run_opsctl("config", "check", folder=tmp_path)

    assert outcome.exit_code == 2
    assert "`opsctl init` writes the starter books" in outcome.stderr
