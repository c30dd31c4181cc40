"""The probes pass on the real service with two workers, and each notices the defect that it is there for."""

from pathlib import Path

import pytest
from tests.scratch_project import PATIENT, RunningService, ScratchProject, free_port
from tests.security import spoiling_proxy as vices
from tests.security.audited_project import AuditedProject, look_at
from tests.security.probed_service import ProbedService, probe
from tests.security.spoiling_proxy import Vice, spoiling

from opsctl.clients.postgres import DatabaseAddress
from opsctl.security.checks import (
    sec101_rate_limit,
    sec102_cors,
    sec103_headers,
    sec104_contract,
    sec105_fuzz,
    sec106_sql_injection,
    sec107_authentication,
    sec108_objects,
    sec109_leaks,
    sec110_log_secrets,
    sec111_limits,
)
from opsctl.security.model import SecurityCheck, State
from opsctl.security.registry import CHECKS
from opsctl.stack.status import stack_status

stack = pytest.mark.stack


@pytest.fixture(scope="module")
def service(service_project: ScratchProject, live_service: RunningService) -> ProbedService:
    """Give the session's service, with keys of its database."""
    state = stack_status(service_project.root / ".opsctl")
    assert state.database_url is not None
    password = state.database_password_file.read_text().strip()
    database = DatabaseAddress(url=state.database_url, password=password)
    return ProbedService(live_service.url, database, service_project.root / ".opsctl")


@pytest.fixture
def logs(service_project: ScratchProject, live_service: RunningService) -> tuple[Path, ...]:
    """Give what the session's service writes."""
    return (live_service.log, *(service_project.root / ".opsctl" / "service").glob("*.jsonl"))


PASSING = (
    sec102_cors,
    sec103_headers,
    sec104_contract,
    sec105_fuzz,
    sec106_sql_injection,
    sec107_authentication,
    sec108_objects,
    sec109_leaks,
    sec110_log_secrets,
)


@pytest.mark.slow
@stack
@pytest.mark.parametrize("check", [each.CHECK for each in PASSING], ids=lambda check: check.code)
def test_the_service_passes(
    check: SecurityCheck, service: ProbedService, service_project: ScratchProject, logs: tuple[Path, ...]
) -> None:
    """As it is, with two workers."""
    found = probe(check, service, root=service_project.root, logs=logs)

    assert (found.state, found.troubles) == (State.PASS, ()), found.reason


@pytest.mark.slow
@stack
def test_the_rate_limit_holds_over_both_workers(
    service: ProbedService, service_project: ScratchProject
) -> None:
    """To the last request."""
    found = probe(sec101_rate_limit.CHECK, service, root=service_project.root)

    assert (found.state, found.troubles) == (State.PASS, ())
    assert (found.figures["workers"], found.figures["limit"]) == (2, 1000)
    assert 1000 <= found.figures["admitted"] < found.figures["requests"]


DEFECTS: list[tuple[SecurityCheck, dict[Vice, str]]] = [
    (
        sec101_rate_limit.CHECK,
        {
            vices.counts_by_address: "at the end by: X-Forwarded-For",
            vices.says_not_when: "does not say when",
        },
    ),
    (sec101_rate_limit.CHECK, {vices.limits_too_soon: "another query: refused before"}),
    (
        sec102_cors.CHECK,
        {vices.reflects_origins: "lets credentials of", vices.allows_every_origin: "allows the origin `*`"},
    ),
    (
        sec103_headers.CHECK,
        {
            vices.without("x-content-type-options"): "nosniff",
            vices.without("content-security-policy"): "may frame it",
            vices.lets_all_caches_keep: "shared caches may keep",
            vices.names_its_server: "Apache/2.4.1",
        },
    ),
    (
        sec105_fuzz.CHECK,
        {
            vices.breaks_on_depth: "deep lists: answered with 500",
            vices.accepts_anything: "half of it: accepted with 200",
        },
    ),
    (
        sec106_sql_injection.CHECK,
        {
            vices.shows_sql: "syntax error at or near",
            vices.decides_by_condition: "a condition that is true",
            vices.sleeps: "1 s longer",
        },
    ),
    (
        sec107_authentication.CHECK,
        {
            vices.asks_for_no_key: "an expired key: answered with 200",
            vices.forgets_scopes: "without `content:write`: answered with 204",
            vices.has_a_console: "answers 200 without a key",
        },
    ),
    (
        sec108_objects.CHECK,
        {vices.mixes_readers_up: "another reader", vices.confirms_etags: "a feed in memory answers 304"},
    ),
    (
        sec109_leaks.CHECK,
        {vices.shows_its_trace: "a stack trace", vices.repeats_values: "repeats a value"},
    ),
]


@pytest.mark.slow
@stack
@pytest.mark.parametrize(
    ("check", "defects"), DEFECTS, ids=[f"{check.code}-{len(found)}" for check, found in DEFECTS]
)
def test_each_defect_is_noticed_and_named(
    check: SecurityCheck,
    defects: dict[Vice, str],
    service: ProbedService,
    service_project: ScratchProject,
) -> None:
    """Several at once, so that one that is found hides no other."""
    with spoiling(service.base_url, *defects) as url:
        found = probe(check, service, root=service_project.root, url=url)

    assert found.state is State.FAIL, found.reason
    titles = [each.title for each in found.troubles]
    assert [words for words in defects.values() if not any(words in each for each in titles)] == [], titles


@pytest.mark.drill
@stack
def test_a_secret_in_a_log_is_noticed_and_a_log_of_others_is_no_proof(
    service: ProbedService, service_project: ScratchProject, logs: tuple[Path, ...], tmp_path: Path
) -> None:
    """Without the audit's own requests in them, logs say nothing about it."""
    written = tmp_path / "proxy.log"
    written.write_text("begun\n")

    def keeps_everything(passing: vices.Passing) -> None:
        with written.open("a") as log:
            log.write(passing.said + "\n")

    with spoiling(service.base_url, keeps_everything) as url:
        leaking = probe(
            sec110_log_secrets.CHECK, service, root=service_project.root, url=url, logs=(written,)
        )
        blind = probe(sec110_log_secrets.CHECK, service, root=service_project.root, logs=(written,))

    assert (leaking.state, [each.place for each in leaking.troubles]) == (State.FAIL, ["proxy.log"])
    assert blind.state is State.UNKNOWN


@stack
@pytest.mark.drill
def test_a_service_that_breaks_its_contract_is_noticed(
    service: ProbedService, service_project: ScratchProject
) -> None:
    """Schemathesis finds the status that the document does not know."""

    def teapot(passing: vices.Passing) -> None:
        if passing.status == 200 and passing.path.startswith("/v1/trending"):
            passing.status = 207

    with spoiling(service.base_url, teapot) as url:
        found = probe(sec104_contract.CHECK, service, root=service_project.root, url=url)

    assert found.state is State.FAIL, found.reason
    assert {each.place for each in found.troubles} == {"GET /v1/trending"}


@pytest.mark.parametrize(
    "check", [each for each in CHECKS if each.code > "SEC100"], ids=lambda check: check.code
)
def test_without_a_service_a_probe_cannot_tell(check: SecurityCheck, project: AuditedProject) -> None:
    """Which is no pass."""
    assert look_at(check, project).state is State.UNKNOWN


@stack
@pytest.mark.drill
def test_a_service_with_its_own_limits_cuts_slow_clients_off(
    service: ProbedService, service_project: ScratchProject
) -> None:
    """Sixty of them, within the ten seconds of the book."""
    service_project.change_books(service={"resilience": PATIENT["resilience"]})
    with service_project.service(port=free_port()) as running:
        found = probe(sec111_limits.CHECK, service, root=service_project.root, url=running.url)

    assert (found.state, found.troubles) == (State.PASS, ()), found.reason
