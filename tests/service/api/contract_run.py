"""Does a running service keep its contract: schemathesis with all checks and phases, told what the catalogue has."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.service.api.live import LiveService

HOOKS = "tests.service.api.contract_hooks"
_ROOT = Path(__file__).parents[3]

_CONFIG = """
seed = {seed}
continue-on-failure = true
request-timeout = 60
workers = 1
headers = {{ Authorization = "Bearer ${{OPSCTL_TEST_KEY}}" }}

[warnings]
fail-on = {fail_on_warnings}

[dictionaries]
regions = {{ values = {regions} }}
categories = {{ values = {categories} }}
vendors = {{ values = {vendors} }}
items = {{ values = {items} }}

[parameters]
"query.region" = {{ dictionary = "regions", probability = 0.7 }}
"query.category" = {{ dictionary = "categories", probability = 0.7 }}
"path.content_id" = {{ dictionary = "items", probability = 0.7 }}
"body.content_id" = {{ dictionary = "items", probability = 0.7 }}
"body.vendor_id" = {{ dictionary = "vendors", probability = 0.7 }}

[generation]
max-examples = {examples}
database = "none"
no-shrink = true

# 422 stands for what no schema can tell: regions, vendors and times that the service does not accept. What breaks
# the schema is answered with 400, and 400 for what keeps to it is a failure.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "404", "422"]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRun:
    """What schemathesis said."""

    has_passed: bool
    output: str


def run_contract(
    service: LiveService,
    *,
    folder: Path,
    examples: int = 20,
    seconds: int = 300,
    seed: int = 20261122,
    fail_on_warnings: bool = True,
) -> ContractRun:
    """Hold a service against its own `/openapi.json`.

    A catalogue of many regions answers most generated ones with 422, of which schemathesis warns; failures of
    checks count either way.
    """
    config = folder / "schemathesis.toml"
    values = _config(service, examples=examples, seed=seed, fail_on_warnings=fail_on_warnings)
    config.write_text(values)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", f"{service.url}/openapi.json", "--checks", "all", "--mode", "all"),
        *("--phases", "examples,coverage,fuzzing,stateful", "--no-color"),
    ]
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": HOOKS,
        "OPSCTL_TEST_KEY": service.key,
        "PYTHONPATH": f"{_ROOT}:{_ROOT / 'src'}",
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    return ContractRun(has_passed=done.returncode == 0, output=done.stdout)


def _config(service: LiveService, *, examples: int, seed: int, fail_on_warnings: bool) -> str:
    with service.client() as client:
        popular = client.get("/v1/trending", params={"limit": 50}).raise_for_status().json()["items"]
    return _CONFIG.format(
        seed=seed,
        examples=examples,
        fail_on_warnings=str(fail_on_warnings).lower(),
        regions=_toml({each["region"] for each in popular}),
        categories=_toml({each["category"] for each in popular}),
        vendors=_toml({each["vendor_id"] for each in popular}),
        items=_toml({each["id"] for each in popular}),
    )


def _toml(values: set[object]) -> str:
    # TOML has JSON's escapes, but not pairs of surrogates.
    return json.dumps(sorted(values, key=str), ensure_ascii=False)
