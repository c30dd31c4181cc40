"""Does the running service keep its OpenAPI document, whatever schemathesis makes up?

Schemathesis asks every reading operation for what the document allows and for what it forbids: no answer is a 5xx, each
fits the schema that the document gives for its status, and what is forbidden is refused. Bounded by examples and by
time, always with the same seed. It could not tell where schemathesis is not installed or does not end.

Operations that write are not among them: a request that turns out good would change the catalogue. Those are asked by
SEC105, for readers and items that nobody has.
"""

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from opsctl.clients.files import write_atomically
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
from opsctl.security.probing.target import READ, UNLIMITED, asking, stranger

_SEED = 20261129
_EXAMPLES = 10
_LONGEST_SECONDS = 60
_KEY_VARIABLE = "OPSCTL_PROBE_KEY"
_FAILURE = re.compile(r"^- (?P<title>.+)$", re.MULTILINE)
_OPERATION = re.compile(r"^_+ (?P<operation>[A-Z]+ /\S*) _+$", re.MULTILINE)
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
    with asking(context) as target:
        target.contract()
    with TemporaryDirectory(prefix="opsctl-contract-") as folder:
        end = context.commands.run(
            _command(Path(folder), context.service.base_url),
            seconds=_LONGEST_SECONDS,
            folder=Path(folder),
            environment={
                **{
                    name: context.environment[name]
                    for name in ("PATH", "HOME")
                    if name in context.environment
                },
                _KEY_VARIABLE: context.service.key(plan=UNLIMITED, scopes=READ),
            },
        )
    counted = _COUNTED.search(end.stdout)
    if end.code == 0 and counted:
        return passed(
            f"{counted['count']} requests made up by schemathesis keep the document, and so do their answers"
        )
    if end.code == 1 and "FAILURES" in end.stdout:
        return failed(
            "the service does not keep its own document",
            mend="the service or the document is wrong: run schemathesis with the request that it prints",
            troubles=_troubles(end.stdout),
        )
    return could_not_tell(
        f"schemathesis ended with {end.code}: {(end.stderr or end.stdout).strip()[-200:]}",
        mend="run it by hand: schemathesis run SERVICE/openapi.json",
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
    """Return what schemathesis found, by operation; its own page has the requests."""
    found = []
    parts = _OPERATION.split(output)
    for operation, text in zip(parts[1::2], parts[2::2], strict=True):
        titles = dict.fromkeys(match["title"] for match in _FAILURE.finditer(text))
        found += [Trouble(title=title, place=operation) for title in titles]
    return tuple(found) or (Trouble(title="a check of schemathesis failed", place="/openapi.json"),)


CHECK = SecurityCheck(
    code="SEC104",
    title="answers keep the contract",
    weight=Weight.MEDIUM,
    owasp="A10",
    asvs=("V2.2.1",),
    look=look,
    explanation=__doc__ or "",
)
