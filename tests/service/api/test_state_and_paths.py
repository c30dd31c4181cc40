"""Readiness, unknown paths, methods, and explanations."""

import pytest
from tests.fakes.service_ports import FakeService
from tests.service.api.in_process import InProcessClient
from tests.service.api.problems import problem_of

from opsctl.service.api import problem
from opsctl.service.api.explanations import EXPLANATIONS
from opsctl.service.api.outgoing import ReadyAnswer


def test_a_ready_service_names_its_dependencies(client: InProcessClient) -> None:
    """200 while each is `ok`."""
    answer = client.get("/readyz")

    assert answer.json() == {
        "status": "ready",
        "dependencies": {"database": "ok", "vectors": "ok", "l2": "ok"},
    }
    ReadyAnswer.model_validate_json(answer.content)


def test_a_service_that_was_ready_is_degraded_while_a_dependency_is_away(
    client: InProcessClient, service: FakeService
) -> None:
    """Lower tiers answer; a load balancer that took every machine out would make the outage that they prevent."""
    client.get("/readyz")
    service.states["vectors"] = "no answer within 1 s"

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["dependencies"]["vectors"] == "no answer within 1 s"


def test_a_service_that_was_never_ready_says_why(client: InProcessClient, service: FakeService) -> None:
    """503 with the reasons, and when to ask again: it knows nothing yet that could stand in."""
    service.states["vectors"] = "no collection `content`"

    answer = client.get("/readyz")

    document = problem_of(answer, problem.NOT_READY)
    assert document["detail"] == "not there: vectors"
    assert document["dependencies"] == service.states
    assert answer.headers["retry-after"] == "1"


def test_a_missing_l2_is_told_but_takes_no_service_out_of_a_load_balancer(
    client: InProcessClient, service: FakeService
) -> None:
    """Every feed is still answered without it."""
    service.states["l2"] = "no answer within 1 s"

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["dependencies"]["l2"] == "no answer within 1 s"


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/feed", "/v1/feed/", "/v1/feed/42/", "/v1/feed/4/2", "/v2/feed/42", "/../etc"]
)
def test_unknown_paths_are_problems_too(client: InProcessClient, path: str) -> None:
    """404, never a redirect."""
    problem_of(client.get(path, follow_redirects=False), problem.NO_PATH)


def test_a_long_path_comes_back_short(client: InProcessClient) -> None:
    """`instance` is cut, and what is no part of an address is escaped."""
    document = problem_of(client.get("/" + "<b>" * 3000), problem.NO_PATH)

    assert len(document["instance"]) == 200
    assert "<" not in document["instance"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v1/feed/42", "GET, HEAD"),
        ("GET", "/v1/interactions", "POST"),
        ("POST", "/v1/content/7", "DELETE, GET, HEAD, PUT"),
        ("PATCH", "/v1/content/7", "DELETE, GET, HEAD, PUT"),
        ("DELETE", "/readyz", "GET, HEAD"),
    ],
)
def test_other_methods_are_told_those_there_are(
    client: InProcessClient, method: str, path: str, allowed: str
) -> None:
    """405 names all methods of the path, not those of one route only."""
    answer = client.request(method, path)

    problem_of(answer, problem.METHOD)
    assert answer.headers["allow"] == allowed


def test_every_code_is_explained_once() -> None:
    """`opsctl explain` knows each code."""
    codes = [kind.code for kind in problem.ALL]
    assert len(set(codes)) == len(codes)
    assert set(codes) == set(EXPLANATIONS)
