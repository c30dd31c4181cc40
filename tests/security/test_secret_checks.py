"""Secrets in files, in the history and in logs: found wherever they are, told without being shown, examples left alone."""

import json
import os
import string
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.security.audited_project import GITHUB_TOKEN, OPSCTL_KEY, AuditedProject, look_at

from opsctl.security import secret_scan
from opsctl.security.checks.sec001_secrets_in_files import CHECK as IN_FILES
from opsctl.security.checks.sec002_secrets_in_history import CHECK as IN_HISTORY
from opsctl.security.checks.sec003_secrets_in_logs import CHECK as IN_LOGS
from opsctl.security.model import State
from opsctl.security.proof import document_of
from opsctl.security.secret_scan import scan
from opsctl.security.words import looks_random

SERVED = "q7Rk2mVx" + "9TzL4bWc"
PRIVATE = "PRIVATE" + " KEY"
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".e30."
FORMS = [
    'password = "%s"',
    "{'api_key': '%s'}",
    'auth_token: str = "%s"',
    "connect(secret_key='%s')",
    "db://me:%s@host/shop",
]


def test_a_project_of_words_passes(project: AuditedProject) -> None:
    """References, examples, templates and digests are no secrets."""
    project.git("init", "--quiet")
    project.write("opsctl.yaml", "database:\n  password_file: secrets/database_password\n")
    project.write(
        "code.py", 'PASSWORD = "of-the-test"\nSECRET_VARIABLE = "OPSCTL_X"\nlock = "%s"\n' % ("0a1b2c3d" * 8)
    )
    project.write("compose.yaml", "environment:\n  DB_PASSWORD: ${DB_PASSWORD}\n  API_TOKEN: <yours>\n")
    project.write("ingress.yaml", "tls:\n  secret: feed-tls\n")
    project.write("jwt.md", f"Bearer {JWT}signature\n")
    project.write("schema.json", '{"description": "Needs no password: the key is enough."}\n')
    project.write("guide.md", "Connect to `postgresql://me:secret@host/db`; password: hunter2.\n")
    project.commit()

    checked = look_at(IN_FILES, project)

    assert checked.state is State.PASS, checked.troubles
    assert checked.reason.startswith("7 files")


@pytest.mark.parametrize(
    ("file", "text", "line", "kind"),
    [
        ("cloud.yaml", "secret_key: wJq7rXU/K7MDtG9/bPxRfiCYz\n", 1, "value of `secret_key`"),
        ("far.json", '{"a": "%s", "password": "hunter2"}\n' % ("x " * 4000), 1, "value of `password`"),
        ("named.yaml", f'tls:\n  secret: "{SERVED}"\n', 2, "value of `secret`"),
        ("one.json", '{"a": 1, "db": {"password": "hunter2"}}\n', 1, "value of `password`"),
        ("list.yaml", "users:\n  - password: hunter2\n", 2, "value of `password`"),
        ("start.env", "export API_TOKEN=hunter2\n", 1, "value of `API_TOKEN`"),
        ("notes.md", f"first\ntoken {GITHUB_TOKEN}\n", 2, "GitHub Token"),
        ("client.py", f'key = "{OPSCTL_KEY}"\n', 1, "API key of opsctl"),
        ("settings.yaml", "a: 1\ndb_password: hunter2\n", 2, "value of `db_password`"),
        (".env", "SMTP_PASSWORD=hunter2\n", 1, "value of `SMTP_PASSWORD`"),
        ("app.json", '{"api_key": "abc"}\n', 1, "value of `api_key`"),
        ("app.py", f'password = "{SERVED}"\n', 1, "value of `password`"),
        ("book.yaml", "url: postgresql://me:sunshine@db.example/shop\n", 1, "password in an address"),
        ("jwt.md", f"Bearer {JWT}{'mF9' * 15}\n", 1, "JSON Web Token"),
        ("key.pem", f"-----BEGIN RSA {PRIVATE}-----\n", 1, "Private Key"),
    ],
)
def test_a_secret_in_a_file_fails_with_its_place(
    project: AuditedProject, file: str, text: str, line: int, kind: str
) -> None:
    """Also in a file that git would only add."""
    project.git("init", "--quiet")
    project.write(file, text)

    checked = look_at(IN_FILES, project)

    assert checked.state is State.FAIL
    (trouble,) = checked.troubles
    assert (trouble.place, trouble.title) == (file, kind)
    assert trouble.location is not None
    assert trouble.location.line == line


def test_a_secret_in_use_is_found_whatever_it_looks_like(project: AuditedProject) -> None:
    """A passphrase of words, in a file that says nothing of what it is."""
    project.secret_variable("OPSCTL_DATABASE_PASSWORD", "correct horse battery staple")
    project.write("todo.txt", "ask about correct horse battery staple\n")

    checked = look_at(IN_FILES, project)

    assert [each.title for each in checked.troubles] == ["secret that is in use"]


def test_a_secret_file_that_git_keeps_fails(project: AuditedProject) -> None:
    """Even where what it holds is a word."""
    project.git("init", "--quiet")
    project.secret_file("qdrant.api_key_file", "secrets/key", "word\n")
    project.commit()

    checked = look_at(IN_FILES, project)

    assert [each.place for each in checked.troubles] == ["secrets/key"]


def test_what_git_ignores_and_the_state_folder_are_not_looked_at(project: AuditedProject) -> None:
    """With git by its own rules; without it, the state folder is left out all the same."""
    project.write(".opsctl/secrets/key", f"{GITHUB_TOKEN}\n")
    project.write("readme.md", "nothing\n")

    assert look_at(IN_FILES, project).state is State.PASS
    project.git("init", "--quiet")
    project.write(".gitignore", ".opsctl/\nlocal.env\n")
    project.write("local.env", "PASSWORD=hunter2\n")
    assert look_at(IN_FILES, project).state is State.PASS


def test_a_line_marked_as_no_secret_is_counted(project: AuditedProject) -> None:
    """So that nobody hides one without being seen."""
    project.write("demo.env", f"TOKEN={GITHUB_TOKEN}  # pragma: allowlist secret\n")

    checked = look_at(IN_FILES, project)

    assert checked.state is State.PASS
    assert "1 line marked as no secret" in checked.reason


def test_binary_huge_and_odd_files_harm_nothing(project: AuditedProject) -> None:
    """They are counted as not looked at; a line of a million characters takes no time."""
    (project.root / "data.bin").write_bytes(b"\0" + GITHUB_TOKEN.encode())
    (project.root / "latin.txt").write_bytes(b"caf\xe9 password = nothing\n")
    project.write("long.json", "x" * 1_000_000 + "\n")
    project.write("big.txt", "y" * 5_000_000)
    (project.root / "away").symlink_to("/nowhere")

    checked = look_at(IN_FILES, project)

    assert checked.state is State.PASS
    assert "3 not text or too large" in checked.reason


@pytest.mark.parametrize("with_git", [True, False])
def test_a_file_whose_name_is_no_text_is_looked_at(project: AuditedProject, *, with_git: bool) -> None:
    """A name that was lost on the way to git and back made it a file without secrets; what is told of it can be written."""
    if with_git:
        project.git("init", "--quiet")
    odd = project.root / os.fsdecode(b"ops \xff\x1b[31m\t\xc3\xa9.yaml")
    odd.write_text(f"db_password: {SERVED}\n")

    checked = look_at(IN_FILES, project)

    assert checked.state is State.FAIL
    (trouble,) = checked.troubles
    assert trouble.place == "ops \\xff\x1b[31m\té.yaml"
    assert trouble.place.encode()


def test_a_secret_in_the_history_of_a_file_whose_name_is_no_text_is_found(project: AuditedProject) -> None:
    """By its ending it is known to be settings, where every literal password counts."""
    project.git("init", "--quiet")
    odd = project.root / os.fsdecode(b"\xff\x1b.yaml")
    odd.write_text("db_password: hunter2\n")
    project.commit()
    odd.unlink()
    project.commit()

    (trouble,) = look_at(IN_HISTORY, project).troubles

    assert trouble.place == "\\xff\x1b.yaml"


def test_without_detect_secrets_it_could_not_tell(
    project: AuditedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says how to install it."""
    project.write("a.txt", "a\n")
    monkeypatch.setitem(sys.modules, "detect_secrets.core.plugins.util", None)
    secret_scan.known_forms.cache_clear()

    checked = look_at(IN_FILES, project)

    assert checked.state is State.UNKNOWN
    assert checked.mend == "pip install 'opsctl[security]'"


def test_no_secret_is_ever_told(project: AuditedProject) -> None:
    """Neither by the document nor by the figures of the evidence."""
    project.write("a.yaml", f"password: {SERVED}\nother: {GITHUB_TOKEN}\n")
    from tests.fakes.clock import FakeClock

    from opsctl.core.events import ignore
    from opsctl.security.audit import audit

    found = audit([IN_FILES], context=project.context(), waivers=(), clock=FakeClock(), listener=ignore)

    told = json.dumps(document_of(found), default=str)
    assert len(found.checked[0].troubles) == 2
    assert SERVED not in told
    assert GITHUB_TOKEN not in told


def test_a_secret_that_was_taken_out_again_is_in_the_history(project: AuditedProject) -> None:
    """With the commit that added it, though no file of today has it."""
    project.git("init", "--quiet")
    project.write("app.env", "PASSWORD=hunter2\n")
    project.commit("First")
    added = project.git("rev-parse", "HEAD").strip()[:10]
    project.write("app.env", "PASSWORD=${PASSWORD}\n")
    project.commit("Second")

    assert look_at(IN_FILES, project).state is State.PASS
    checked = look_at(IN_HISTORY, project)

    assert checked.state is State.FAIL
    assert [(each.place, each.title) for each in checked.troubles] == [
        ("app.env", f"value of `PASSWORD`, added by commit {added}")
    ]


def test_a_secret_on_another_branch_or_in_a_merge_is_found(project: AuditedProject) -> None:
    """Every branch counts, and what only the merge itself has added."""
    project.git("init", "--quiet")
    project.write("a.txt", "a\n")
    project.commit("First")
    project.git("checkout", "--quiet", "-b", "other")
    project.write("b.txt", f"{GITHUB_TOKEN}\n")
    project.commit("Other")
    project.git("checkout", "--quiet", "main")

    assert look_at(IN_HISTORY, project).state is State.FAIL


def test_a_clean_history_passes_and_what_is_still_there_is_told_once(project: AuditedProject) -> None:
    """What stands in a file of today is SEC001's to tell."""
    project.git("init", "--quiet")
    project.write("app.env", "PASSWORD=hunter2\n")
    project.commit()

    assert look_at(IN_FILES, project).state is State.FAIL
    checked = look_at(IN_HISTORY, project)

    assert checked.state is State.PASS
    assert checked.reason.startswith("1 commit,")


@given(st.text(), st.sampled_from(["a.py", "a.yaml", ".env", "a.md"]))
def test_any_text_can_be_scanned(text: str, path: str) -> None:
    """Whatever stands in it, each line is told once at most."""
    lines = [hit.line for hit in scan(text, path=path)]

    assert lines == sorted(set(lines))
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)


@given(
    st.text(alphabet=string.ascii_letters + string.digits, min_size=24, max_size=40), st.sampled_from(FORMS)
)
def test_a_generated_value_under_a_telling_name_is_found(value: str, form: str) -> None:
    """In every way of writing it, as long as it looks as generated ones do."""
    assume(looks_random(value))

    assert [hit.line for hit in scan(f"first\n{form % value}\n", path="settings.py")] == [2]


def test_a_line_that_was_marked_since_is_not_told_of_the_history(project: AuditedProject) -> None:
    """It is the same line as before, and somebody has looked at it."""
    project.git("init", "--quiet")
    project.write("demo.env", "PASSWORD=hunter2\n")
    project.commit("First")
    project.write("demo.env", "PASSWORD=hunter2  # pragma: allowlist secret\n")
    project.commit("Second")

    assert look_at(IN_HISTORY, project).state is State.PASS


def test_files_that_nobody_sees_are_no_clean_ones(project: AuditedProject) -> None:
    """In a folder that the repository around it ignores, git lists nothing; and no commit is no history."""
    project.git("init", "--quiet")
    assert look_at(IN_HISTORY, project).state is State.UNKNOWN

    project.write(".gitignore", "inner/\n")
    project.write("inner/app.env", "PASSWORD=hunter2\n")
    checked = look_at(IN_FILES, AuditedProject(root=project.root / "inner"))

    assert (checked.state, checked.reason) == (State.UNKNOWN, "no file of the project is to be seen")


def test_without_the_whole_history_it_could_not_tell(project: AuditedProject) -> None:
    """Neither without git, nor in a shallow clone."""
    assert look_at(IN_HISTORY, project).state is State.UNKNOWN

    project.git("init", "--quiet", "origin")
    for name in ("First", "Second"):
        project.git("-C", "origin", "commit", "--quiet", "--allow-empty", "--message", name)
    project.git("clone", "--quiet", "--depth", "1", f"file://{project.root}/origin", "clone")
    checked = look_at(IN_HISTORY, AuditedProject(root=project.root / "clone"))

    assert checked.state is State.UNKNOWN
    assert checked.mend == "git fetch --unshallow"


def test_logs_are_searched_for_forms_and_for_secrets_in_use(project: AuditedProject) -> None:
    """No log is no pass."""
    project.secret_file("password", ".opsctl/secrets/password", "correct horse battery\n")
    assert look_at(IN_LOGS, project).state is State.UNKNOWN

    log = project.write(".opsctl/logs/service.log", '{"event": "request", "key": "opk_q7Rk2mVx_***"}\n')
    assert look_at(IN_LOGS, project).state is State.PASS

    log.write_text(f"ok\nBearer {OPSCTL_KEY}\nlogin with correct horse battery\n")
    checked = look_at(IN_LOGS, project)
    assert checked.state is State.FAIL
    assert [each.title for each in checked.troubles] == ["API key of opsctl", "secret that is in use"]
