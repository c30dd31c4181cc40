"""Vulnerable packages and static analysis: the tools' own reports, and what happens where they can say nothing."""

import json
import os
from collections.abc import Sequence
from typing import Any

import pytest
from tests.security.audited_project import AuditedProject, look_at

from opsctl.clients.programs import ProgramEnd
from opsctl.core.errors import NotReadyError
from opsctl.security.checks.sec004_vulnerable_packages import CHECK as PACKAGES
from opsctl.security.checks.sec005_static_analysis import CHECK as ANALYSIS
from opsctl.security.model import State

ADVISORY = {"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"], "aliases": ["CVE-2019-10906"]}


def pip_audit(*, probe: Any, installed: Any = ()) -> Any:
    """Return a stand-in that answers as pip-audit does: to the probe, and of the installed packages."""

    def answering(argv: Sequence[str]) -> ProgramEnd | None:
        if "pip_audit" not in argv:
            return None
        given = probe if "--requirement" in argv else installed
        if isinstance(given, ProgramEnd):
            return given
        return ProgramEnd(code=0, stdout=json.dumps({"dependencies": given, "fixes": []}), stderr="")

    return answering


def package(name: str, *vulnerabilities: Any) -> dict[str, Any]:
    """Return a package as pip-audit tells of it."""
    return {"name": name, "version": "1.0", "vulns": list(vulnerabilities)}


KNOWING = [package("jinja2", ADVISORY)]


def test_packages_of_which_nothing_is_known_pass(project: AuditedProject) -> None:
    """At a service that knows what is known to be vulnerable."""
    project.answering = pip_audit(probe=KNOWING, installed=[package("httpx"), package("rich")])

    checked = look_at(PACKAGES, project)

    assert checked.state is State.PASS
    assert checked.reason == "2 packages, nothing known of any at pypi"
    assert checked.figures == {"packages": {"asked": 2, "not_known": 0}}


def test_a_vulnerable_package_fails_and_says_what_mends_it(project: AuditedProject) -> None:
    """Each advisory is a trouble at the name of the package, so that a waiver can name it."""
    private = {"name": "own", "skip_reason": "not found on PyPI"}
    project.answering = pip_audit(probe=KNOWING, installed=[package("jinja2", ADVISORY), private])

    checked = look_at(PACKAGES, project)

    assert checked.state is State.FAIL
    (trouble,) = checked.troubles
    assert trouble.place == "jinja2"
    assert trouble.title == "jinja2 1.0: PYSEC-2019-217, CVE-2019-10906, mended in 2.10.1"
    assert trouble.mend == "pip install 'jinja2>=2.10.1'"


@pytest.mark.parametrize(
    "probe",
    [
        [package("jinja2")],
        [{"name": "jinja2", "skip_reason": "Dependency not found on PyPI"}],
        ProgramEnd(code=1, stdout="", stderr="ConnectionError: no route to host\n"),
        ProgramEnd(code=0, stdout='{"unexpected": 1}', stderr=""),
    ],
)
def test_a_database_that_knows_nothing_is_not_believed(project: AuditedProject, probe: Any) -> None:
    """A mirror without advisories calls everything good, so it could not tell."""
    project.answering = pip_audit(probe=probe, installed=[package("httpx")])

    checked = look_at(PACKAGES, project)

    assert checked.state is State.UNKNOWN
    assert "no database of vulnerabilities can be asked" in checked.reason
    assert "osv" in checked.reason


def test_a_database_that_knows_none_of_the_packages_could_not_tell(project: AuditedProject) -> None:
    """Nothing that was asked about was answered."""
    project.answering = pip_audit(probe=KNOWING, installed=[{"name": "own", "skip_reason": "unknown"}])

    assert look_at(PACKAGES, project).state is State.UNKNOWN


def test_a_program_that_takes_too_long_could_not_tell(project: AuditedProject) -> None:
    """Its time limit is the answer."""

    def slow(argv: Sequence[str]) -> ProgramEnd | None:
        raise NotReadyError(f"`{argv[0]}` was not done after 15 s", code="PRC004")

    project.answering = slow

    assert look_at(PACKAGES, project).state is State.UNKNOWN


def test_the_real_program_without_a_network_could_not_tell(project: AuditedProject) -> None:
    """pip-audit itself, whose way out leads to a port on which nobody listens."""
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    project.programs_environment = {**os.environ, **nowhere, "NO_PROXY": "", "no_proxy": ""}

    checked = look_at(PACKAGES, project)

    assert checked.state is State.UNKNOWN, checked.reason
    assert "pypi:" in checked.reason
    assert "usage" not in checked.reason
    assert "error: argument" not in checked.reason


def test_dangerous_code_fails_at_its_line(project: AuditedProject) -> None:
    """Bandit and ruff themselves, on a shell and an unsafe load."""
    project.write("tool.py", "import subprocess\n\n\ndef run(text):\n    subprocess.call(text, shell=True)\n")
    project.write("load.py", "import pickle\n\n\ndef read(data):\n    return pickle.loads(data)\n")

    checked = look_at(ANALYSIS, project)

    assert checked.state is State.FAIL
    places = {(each.place, each.location.line) for each in checked.troubles if each.location}
    assert {("tool.py", 5), ("load.py", 5)} <= places
    assert {each.title.partition(" ")[0] for each in checked.troubles} >= {"B602", "B301", "S301", "S602"}


def test_code_that_says_why_it_is_right_passes(project: AuditedProject) -> None:
    """Each tool by its own mark, and tests are not looked at."""
    project.write(
        "load.py",
        "import pickle\n\n\ndef read(data):\n"
        "    # Of a process that we started ourselves.\n"
        "    return pickle.loads(data)  # noqa: S301 - from our own pipe\n"
        "\n\ndef again(data):\n"
        "    return pickle.loads(data)  # noqa: S301 # nosec B301\n",
    )
    project.write("tests/test_load.py", "import pickle\n\npickle.loads(b'')\n")

    checked = look_at(ANALYSIS, project)

    assert checked.state is State.PASS, checked.troubles
    assert checked.reason.startswith("1 file;")


def test_a_project_without_python_passes_and_says_so(project: AuditedProject) -> None:
    """Most projects of operators are books only."""
    project.write("ops/service.yaml", "workers: 1\n")

    checked = look_at(ANALYSIS, project)

    assert (checked.state, checked.reason) == (State.PASS, "the project has no Python of its own")


def test_code_that_cannot_be_parsed_could_not_tell(project: AuditedProject) -> None:
    """What bandit leaves out was not looked at."""
    project.write("good.py", "A = 1\n")
    project.write("broken.py", "def (:\n")

    checked = look_at(ANALYSIS, project)

    assert checked.state is State.UNKNOWN
    assert "broken.py" in checked.reason
