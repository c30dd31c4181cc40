"""Has a package that opsctl runs with a known vulnerability?

pip-audit asks the advisories of PyPI, or those of OSV where PyPI's do not answer, about every installed package. Before
that it is asked about a release that is known to be vulnerable: a mirror that has no advisories answers "nothing known" to
everything, and so would a database that is empty. Only one that knows this release is believed. Without such a database the
check could not tell, within half a minute.

Mend: install the version that mends it (`constraints.txt` says which is taken), or accept it in `ops/waivers.yaml` by the
name of the package. ASVS asks for a time in which that is done: 7 days for what is reachable from outside, 30 for the rest.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from opsctl.core.errors import NotReadyError, OpsError
from opsctl.security.context import Context
from opsctl.security.model import Answer, CannotTellError, SecurityCheck, Trouble, Weight, failed, passed
from opsctl.security.saying import counted

_SERVICES = ("pypi", "osv")
_KNOWN_VULNERABLE = "jinja2==2.10"  # PYSEC-2019-217, CVE-2019-10906: leaves its sandbox by str.format_map
_PROBE_SECONDS = 15.0
_AUDIT_SECONDS = 180.0
_SOCKET_SECONDS = "5"
_ERROR = re.compile(r"(?:\w+\.)*(?P<name>\w+(?:Error|Exception|Timeout|Exceeded)): ")
_MEND = (
    "run the audit where pypi.org or api.osv.dev can be reached; where none ever is, somebody accepts that in"
    " `ops/waivers.yaml`, with `state: unknown`"
)


def look(context: Context) -> Answer:
    """Ask about the installed packages, when the database is one that knows something."""
    if find_spec("pip_audit") is None:
        raise CannotTellError("pip-audit is not installed", mend="pip install 'opsctl[security]'")
    service = _knowing_service(context)
    packages = _ask(context, "--vulnerability-service", service, "--skip-editable", seconds=_AUDIT_SECONDS)
    asked = [each for each in packages if "skip_reason" not in each]
    troubles = tuple(_trouble(each, known) for each in asked for known in each.get("vulns", ()))
    figures = {"packages": {"asked": len(asked), "not_known": len(packages) - len(asked)}}
    if troubles:
        names = {each.place for each in troubles}
        return failed(
            f"{len(names)} of {counted(len(asked), 'package')} with known vulnerabilities",
            mend="install the versions that mend them",
            troubles=troubles,
            **figures,
        )
    if not asked:
        raise CannotTellError("the database knows none of the installed packages", mend=_MEND)
    unknown = f"; it does not know {len(packages) - len(asked)} others" if len(packages) > len(asked) else ""
    return passed(f"{counted(len(asked), 'package')}, nothing known of any at {service}{unknown}", **figures)


def _knowing_service(context: Context) -> str:
    """Return a service that knows what it should."""
    said = []
    for service in _SERVICES:
        try:
            answer = _ask(
                context, "--vulnerability-service", service, *_probe(context), seconds=_PROBE_SECONDS
            )
        except OpsError as error:
            said.append(f"{service}: {error.why or error.message}")
            continue
        if any(each.get("vulns") for each in answer):
            return service
        said.append(f"{service}: knows nothing of {_KNOWN_VULNERABLE}, which is known to be vulnerable")
    raise CannotTellError(f"no database of vulnerabilities can be asked ({'; '.join(said)})", mend=_MEND)


def _probe(context: Context) -> tuple[str, ...]:
    from opsctl.clients.files import write_atomically

    path = context.home / "security" / "known_vulnerable.txt"
    write_atomically(path, f"{_KNOWN_VULNERABLE}\n")
    return ("--requirement", str(path), "--no-deps", "--disable-pip")


def _ask(context: Context, *options: str, seconds: float) -> Sequence[Mapping[str, Any]]:
    argv = [
        sys.executable,
        "-m",
        "pip_audit",
        "--format",
        "json",
        "--desc",
        "off",
        "--progress-spinner",
        "off",
    ]
    done = context.commands.run([*argv, "--timeout", _SOCKET_SECONDS, *options], seconds=seconds)
    try:
        return tuple(json.loads(done.stdout)["dependencies"])
    except (ValueError, KeyError, TypeError) as error:
        raise NotReadyError(
            "pip-audit could not ask",
            code="SEC094",
            why=_why(done.stderr) or f"exit code {done.code}",
            fix=_MEND,
        ) from error


def _why(stderr: str) -> str:
    """Return the end of what a program said in its distress; of a stack trace, the name of the error."""
    last = next((line for line in reversed(stderr.splitlines()) if line.strip()), "")
    error = _ERROR.match(last)
    return f"cannot be asked, {error['name']}" if error else last[:200]


def _trouble(package: Mapping[str, Any], known: Mapping[str, Any]) -> Trouble:
    name, version = package["name"], package["version"]
    fixes = known.get("fix_versions") or []
    names = ", ".join([known["id"], *known.get("aliases", [])][:2])
    return Trouble(
        title=f"{name} {version}: {names}"
        + (f", mended in {fixes[0]}" if fixes else ", no release mends it yet"),
        place=name,
        mend=f"pip install '{name}>={fixes[0]}'" if fixes else None,
    )


CHECK = SecurityCheck(
    code="SEC004",
    title="no known vulnerability in a package",
    weight=Weight.HIGH,
    owasp="A03",
    asvs=("V15.1.1", "V15.2.1"),
    look=look,
    explanation=__doc__ or "",
)
