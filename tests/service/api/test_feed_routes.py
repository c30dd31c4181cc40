"""Feeds and what is popular over HTTP."""

import pytest
from tests.fakes.service_ports import FakeService
from tests.service.api.in_process import InProcessClient
from tests.service.api.problems import places, problem_of

from opsctl.core.errors import FailedError, NotReadyError
from opsctl.service.api import problem
from opsctl.service.api.outgoing import FeedAnswer, TrendingAnswer
from opsctl.service.telemetry.meters import Meters
from opsctl.service.telemetry.trace import Trace, tracing


def empty_feeds(meters: Meters) -> float | None:
    """Return how many empty feeds were counted."""
    return meters.registry.get_sample_value("ranking_empty_feeds_total")


def test_a_feed_says_what_it_is_made_of(client: InProcessClient) -> None:
    """Twenty items, the best first, with scores of four digits, weights, exploration and versions."""
    answer = client.get("/v1/feed/42")

    feed = answer.json()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert [item["id"] for item in feed["items"]] == list(range(1, 21))
    assert feed["user_id"] == 42
    assert feed["tier"] == "multi_agent"
    assert feed["generated_at"] == "2026-11-22T12:00:00.250000Z"
    assert feed["exploration"] == {"arm": "fresh", "propensity": 0.1235}
    assert feed["versions"] == {"arms": 3, "policy": 5}
    assert feed["items"][0]["agents"] == {
        "discovery": 0.999,
        "quality": 0.4995,
        "archivist": 0.333,
        "serendipity": 0.2497,
    }
    assert feed["items"][6]["price_usd"] is None
    assert feed["items"][9]["explored_by"] == "fresh"


def test_the_bytes_of_a_feed_are_an_instance_of_the_documented_model(client: InProcessClient) -> None:
    """The bytes are written without the model, so nothing else would notice a difference."""
    answer = client.get("/v1/feed/42?limit=100")

    again = FeedAnswer.model_validate_json(answer.content).model_dump(mode="json")
    assert again == answer.json()
    assert len(again["items"]) == 30


def test_a_feed_is_about_four_kilobytes(client: InProcessClient) -> None:
    """Twenty items fit where the benchmark expects them."""
    assert 3_000 < len(client.get("/v1/feed/42").content) < 6_000


def test_a_feed_carries_the_tags_and_the_origin_that_the_edge_works_by(
    client: InProcessClient, service: FakeService
) -> None:
    """`Cache-Tag` names the user and every item; `X-Cache` tells whether anything was computed."""
    made = client.get("/v1/feed/42?limit=2")
    service.is_answered_by_l2 = True
    remembered = client.get("/v1/feed/42?limit=2")

    assert made.headers["cache-tag"] == "user-42,content-1,content-2"
    assert made.headers["x-cache"] == "MISS"
    assert remembered.headers["x-cache"] == "HIT-L2"


def test_a_feed_shows_where_its_time_went(client: InProcessClient) -> None:
    """`Server-Timing` holds the stages of the request's trace."""
    assert "encode;dur=" in client.get("/v1/feed/42").headers["server-timing"]


def test_region_and_category_narrow_a_feed(client: InProcessClient) -> None:
    """Nothing else is in it."""
    items = client.get("/v1/feed/42", params={"region": "Brooklyn", "category": "print"}).json()["items"]

    assert items
    assert {(item["region"], item["category"]) for item in items} == {("Brooklyn", "print")}


@pytest.mark.parametrize("path", ["/v1/feed/42", "/v1/trending"])
@pytest.mark.parametrize("field", ["region", "category"])
def test_an_unknown_choice_is_answered_with_those_there_are(
    client: InProcessClient, path: str, field: str
) -> None:
    """422, because the request is well formed; what was sent is not repeated."""
    answer = client.get(path, params={field: "Atlantis"})

    document = problem_of(answer, problem.UNKNOWN_CHOICE)
    assert places(document) == [field]
    assert {"region": "Brooklyn", "category": "music"}[field] in document["errors"][0]["message"]
    assert "Atlantis" not in answer.text


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("/v1/feed/0", ["user_id"]),
        ("/v1/feed/-7", ["user_id"]),
        ("/v1/feed/9223372036854775808", ["user_id"]),
        ("/v1/feed/" + "9" * 5000, ["user_id"]),
        ("/v1/feed/7.0", ["user_id"]),
        ("/v1/feed/1_000", ["user_id"]),
        ("/v1/feed/%EF%BC%97", ["user_id"]),
        ("/v1/feed/%207", ["user_id"]),
        ("/v1/feed/1;drop%20table%20users", ["user_id"]),
        ("/v1/feed/42?limit=0", ["limit"]),
        ("/v1/feed/42?limit=-1", ["limit"]),
        ("/v1/feed/42?limit=101", ["limit"]),
        ("/v1/feed/42?limit=", ["limit"]),
        ("/v1/feed/42?limit=NaN", ["limit"]),
        ("/v1/feed/42?limit=1e1", ["limit"]),
        ("/v1/feed/42?region=", ["region"]),
        ("/v1/feed/42?region=" + "a" * 81, ["region"]),
        ("/v1/feed/42?region=a%00b", ["region"]),
        ("/v1/feed/42?region=a%0D%0AX-Evil:%20yes", ["region"]),
        ("/v1/feed/42?limit=5&limit=6", ["limit"]),
        ("/v1/feed/42?limits=5", ["limits"]),
        ("/v1/feed/0?limit=0&category=", ["user_id", "limit", "category"]),
        ("/v1/content/7?limit=5", ["limit"]),
        ("/v1/content/x", ["content_id"]),
    ],
)
def test_what_breaks_the_contract_is_refused_by_name(
    client: InProcessClient, address: str, named: list[str]
) -> None:
    """400, every place named, and nothing of what was sent comes back in a header."""
    answer = client.get(address)

    assert places(problem_of(answer, problem.INVALID)) == named
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize(
    "query", ["region=%FF", "region=%C3%28", "%FF=1", "&".join(f"a{n}=1" for n in range(60))]
)
def test_a_query_that_cannot_be_read_is_refused(client: InProcessClient, query: str) -> None:
    """Invalid UTF-8 and floods of parameters."""
    problem_of(client.get(f"/v1/feed/42?{query}"), problem.MALFORMED)


def test_an_empty_feed_is_a_failure_while_something_fits(
    client: InProcessClient, service: FakeService, meters: Meters
) -> None:
    """503, counted, and the client is told to come again."""
    service.hides_items = True

    answer = client.get("/v1/feed/42")

    problem_of(answer, problem.EMPTY_FEED)
    assert answer.headers["retry-after"] == "1"
    assert empty_feeds(meters) == 1


def test_an_empty_feed_is_right_where_nothing_fits(
    client: InProcessClient, service: FakeService, meters: Meters
) -> None:
    """Each of region and category exists, but no item has both."""
    service.items = {
        number: item
        for number, item in service.items.items()
        if (item.region, item.category) != ("Brooklyn", "print")
    }

    answer = client.get("/v1/feed/42", params={"region": "Brooklyn", "category": "print"})

    assert answer.status_code == 200
    assert answer.json()["items"] == []
    assert empty_feeds(meters) == 0


def test_trending_is_an_instance_of_its_model(client: InProcessClient) -> None:
    """The same for everybody, as asked, the best first."""
    answer = client.get("/v1/trending", params={"region": "Manhattan", "limit": 3})

    document = TrendingAnswer.model_validate_json(answer.content)
    assert document.model_dump(mode="json") == answer.json()
    assert (document.region, document.category) == ("Manhattan", None)
    assert len(document.items) == 3


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (NotReadyError("`http://10.0.0.7:6333` does not answer", code="COL001"), problem.UNAVAILABLE),
        (TimeoutError(), problem.TOO_LATE),
        (ZeroDivisionError("secret of the inside"), problem.INTERNAL),
    ],
)
def test_failures_tell_the_client_nothing_of_the_inside(
    client: InProcessClient, service: FakeService, failure: Exception, kind: problem.ProblemKind
) -> None:
    """No address, no message, no stack trace; the request id leads to the log."""
    service.failure = failure

    with tracing(Trace(request_id="from-the-edge")):
        answer = client.get("/v1/feed/42")

    document = problem_of(answer, kind)
    assert document["request_id"] == "from-the-edge"
    assert not any(part in answer.text for part in ("10.0.0.7", "secret", "Traceback", "Error"))


def test_a_missing_source_names_the_command_that_fills_the_catalogue(
    client: InProcessClient, service: FakeService
) -> None:
    """Nobody has generated or imported anything yet: the most common failure of a first try."""
    service.failure = FailedError("cannot search `content`: it is not there", code="COL006")

    document = problem_of(client.get("/v1/feed/42"), problem.UNAVAILABLE)

    assert "COL006" in document["detail"]
    assert "`opsctl catalog generate`" in document["detail"]
