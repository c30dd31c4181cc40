"""Does the running service keep its OpenAPI document, whatever schemathesis makes up?

Schemathesis asks every reading operation for what the document allows and for what it forbids: no answer is a 5xx, each
fits the schema that the document gives for its status, and what is forbidden is refused. Bounded by examples and by
time, always with the same seed. It could not tell where schemathesis is not installed or does not end, and where all that it
found is a service that is not ready or busy (503 with `Retry-After`), after it was asked once more.

Operations that write are not among them: a request that turns out good would change the catalogue. Those are asked by
SEC105, for readers and items that nobody has.
"""

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from opsctl.clients.files import write_atomically
from opsctl.clients.programs import ProgramEnd
from opsctl.security.context import Context
from opsctl.security.model import (
    Answer,
    CannotTellError,
    SecurityCheck,
    Trouble,
    Weight,
    could_not_tell,
    failed,
    passed,
)
from opsctl.security.probing.operations import operations_of
from opsctl.security.probing.shortage import Shortage
from opsctl.security.probing.target import READ, UNLIMITED, asking, stranger

_SEED = 20261129
_EXAMPLES = 10
_LONGEST_SECONDS = 60
_KEY_VARIABLE = "AUDIT_PROBE_KEY"
_FAILURE = re.compile(r"^- (?P<title>.+)$", re.MULTILINE)
_OPERATION = re.compile(r"^_+ (?P<operation>[A-Z]+ /\S*) _+$", re.MULTILINE)
_CASE = re.compile(r"^\d+\. Test Case ID: ", re.MULTILINE)
# A problem of the service's own, and not what a proxy in front would say.
_SHORT = re.compile(r"^\[503\] [^\n]*:\n\n +`\{\"type\":", re.MULTILINE)
# `Server error`, and `Schema-valid request rejected`.
_OF_SHORTAGE = ("ST101 ", "ST202 ")
_COUNTED = re.compile(r"(?P<count>\d+) generated")

_CONFIG = """
seed = {seed}
continue-on-failure = true
request-timeout = 10
workers = 1
headers = {{ Authorization = "Bearer ${{{variable}}}" }}

[warnings]
fail-on = false

[dictionaries]
readers = {{ values = {readers} }}

# Few readers, because each that gets a feed is a unit of a running experiment.
[parameters]
"path.user_id" = {{ dictionary = "readers", probability = 1.0 }}

[generation]
max-examples = {examples}
database = "none"
no-shrink = true

# 422 stands for what no schema can tell, such as regions that the catalogue does not have.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "404", "422"]
"""


def look(context: Context) -> Answer:
    """Run schemathesis against the service's own document."""
    if find_spec("schemathesis") is None:
        raise CannotTellError(
            "schemathesis is not installed", mend="install it beside opsctl: pip install schemathesis"
        )
    key = context.service.key(plan=UNLIMITED, scopes=READ)
    shortage = _shortage(context, key=key)
    end = _run(context, key=key)
    if end.code == 1 and not shortage and not _troubles(end.stdout):
        end = _run(context, key=key)
    counted = _COUNTED.search(end.stdout)
    if end.code == 0 and counted and int(counted["count"]):
        return passed(
            f"{counted['count']} requests made up by schemathesis keep the document, and so do their answers"
        )
    if end.code == 1 and "FAILURES" in end.stdout:
        return _judged(end.stdout, shortage=shortage)
    return could_not_tell(
        f"schemathesis ended with {end.code}: {(end.stderr or end.stdout).strip()[-200:]}",
        mend="run it by hand: schemathesis run SERVICE/openapi.json",
    )


def _run(context: Context, *, key: str) -> ProgramEnd:
    kept = {name: context.environment[name] for name in ("PATH", "HOME") if name in context.environment}
    with TemporaryDirectory(prefix="opsctl-contract-") as folder:
        return context.commands.run(
            _command(Path(folder), context.service.base_url),
            seconds=_LONGEST_SECONDS,
            folder=Path(folder),
            environment={**kept, _KEY_VARIABLE: key},
        )


def _shortage(context: Context, *, key: str) -> Shortage:
    """Return which operations do not even answer a good request now: schemathesis cannot wait for them."""
    with asking(context) as target:
        for each in operations_of(target.contract()):
            if each.method == "GET":
                asked = each.with_values({"user_id": stranger(), "content_id": stranger()})
                target.get(asked.target(), key=key, headers=asked.headers())
    return target.shortage


def _judged(output: str, *, shortage: Shortage) -> Answer:
    """Return a failure, unless all that schemathesis found is a service that cannot answer now."""
    troubles = _troubles(output)
    if troubles:
        return failed(
            "the service does not keep its own document",
            mend="the service or the document is wrong: run schemathesis with the request that it prints",
            troubles=troubles,
        )
    if shortage:
        return shortage.answer()
    return could_not_tell(
        "the service was busy (503) when schemathesis asked, twice",
        mend="ask again on a quiet machine: opsctl security audit --only SEC104",
    )


def _command(folder: Path, url: str) -> list[str]:
    config = folder / "schemathesis.toml"
    readers = [stranger() for _ in range(3)]
    write_atomically(
        config, _CONFIG.format(seed=_SEED, variable=_KEY_VARIABLE, readers=readers, examples=_EXAMPLES)
    )
    return [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", f"{url}/openapi.json", "--checks", "all", "--mode", "all", "--include-method", "GET"),
        *("--phases", "examples,coverage,fuzzing", "--no-color"),
    ]


def _troubles(output: str) -> tuple[Trouble, ...]:
    """Return what schemathesis found, by operation; its own page has the requests.

    What it says of a 503 of the contract is left out, but that an answer breaks the document: that is one by its code.
    """
    found, cases = [], 0
    parts = _OPERATION.split(output)
    for operation, text in zip(parts[1::2], parts[2::2], strict=True):
        for case in _CASE.split(text)[1:]:
            cases += 1
            titles = [match["title"] for match in _FAILURE.finditer(case)]
            if _SHORT.search(case):
                titles = [title for title in titles if not title.startswith(_OF_SHORTAGE)]
            found += [Trouble(title=title, place=operation) for title in titles]
    unread = Trouble(title="a check of schemathesis failed", place="/openapi.json")
    return tuple(dict.fromkeys(found)) if cases else (unread,)


CHECK = SecurityCheck(
    code="SEC104",
    title="answers keep the contract",
    weight=Weight.MEDIUM,
    owasp="A10",
    asvs=("V2.2.1",),
    look=look,
    explanation=__doc__ or "",
)
