"""The catalogue over HTTP."""

from typing import Any

import pytest
from tests.fakes.service_ports import FakeService
from tests.service.api.in_process import InProcessClient
from tests.service.api.problems import places, problem_of

from opsctl.service.api import problem
from opsctl.service.api.outgoing import ContentAnswer


def content(**changes: Any) -> dict[str, Any]:
    """Return an item as it is sent, with nothing that may be left out."""
    return {
        "vendor_id": 1,
        "title": "Studio",
        "region": "Brooklyn",
        "category": "print",
        "quality": 0.5,
    } | changes


def test_a_new_item_is_made_at_its_address(client: InProcessClient) -> None:
    """201 with its place and the stored row; reading it gives the same bytes."""
    answer = client.put("/v1/content/900", json=content(price_usd=12.345, tags=["a", "b"]))

    assert answer.status_code == 201
    assert answer.headers["location"] == "/v1/content/900"
    assert answer.json() == {
        "id": 900,
        "vendor_id": 1,
        "title": "Studio",
        "description": "",
        "region": "Brooklyn",
        "district": None,
        "category": "print",
        "tags": ["a", "b"],
        "price_usd": 12.35,
        "quality": 0.5,
        "status": "published",
        "updated_at": "2026-11-22T12:00:00.250000Z",
    }
    assert client.get("/v1/content/900").content == answer.content
    assert ContentAnswer.model_validate_json(answer.content).model_dump(mode="json") == answer.json()


def test_a_quality_that_is_nearly_zero_is_zero(client: InProcessClient, service: FakeService) -> None:
    """PostgreSQL's `real` refuses a number that it would round to 0 (5e-324) instead of rounding it."""
    assert client.put("/v1/content/900", json=content(quality=5e-324)).status_code == 201
    assert service.items[900].quality == 0.0


def test_an_item_is_replaced_as_a_whole(client: InProcessClient, service: FakeService) -> None:
    """200; what is left out gets its default, not what was there before."""
    client.put("/v1/content/900", json=content(district="Gowanus", status="draft"))

    answer = client.put("/v1/content/900", json=content())

    assert answer.status_code == 200
    assert "location" not in answer.headers
    assert (service.items[900].district, service.items[900].status) == (None, "published")


def test_a_deleted_item_is_gone(client: InProcessClient) -> None:
    """204 once, 404 from then on."""
    deleted = client.delete("/v1/content/7")

    assert (deleted.status_code, deleted.content) == (204, b"")
    problem_of(client.delete("/v1/content/7"), problem.NO_CONTENT_ITEM)
    problem_of(client.get("/v1/content/7"), problem.NO_CONTENT_ITEM)


def test_the_vendor_must_exist(client: InProcessClient) -> None:
    """422 points at the field."""
    answer = client.put("/v1/content/900", json=content(vendor_id=99))

    assert places(problem_of(answer, problem.UNKNOWN_VENDOR)) == ["/vendor_id"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("vendor_id", 0),
        ("title", ""),
        ("title", "a" * 301),
        ("title", "a\x00b"),
        ("title", "a\nb"),
        ("title", "a\x85b"),
        ("description", "a" * 10_001),
        ("description", "a\x1bb"),
        ("region", ""),
        ("district", ""),
        ("category", None),
        ("tags", "letterpress"),
        ("tags", ["a"] * 51),
        ("price_usd", -0.01),
        ("price_usd", 1e10),
        ("price_usd", "12"),
        ("quality", 1.01),
        ("quality", True),
        ("status", "deleted"),
        ("updated_at", "2026-11-22T12:00:00Z"),
    ],
)
def test_every_field_is_checked(client: InProcessClient, field: str, value: object) -> None:
    """400 points at the field."""
    answer = client.put("/v1/content/900", json=content(**{field: value}))

    assert places(problem_of(answer, problem.INVALID)) == [f"/{field}"]


def test_text_may_be_of_any_language_and_have_lines(client: InProcessClient) -> None:
    """Only control characters are refused."""
    answer = client.put("/v1/content/900", json=content(title="Ателье 工房 🎨", description="One\r\n\tTwo"))

    assert answer.status_code == 201
    assert (answer.json()["title"], answer.json()["description"]) == ("Ателье 工房 🎨", "One\r\n\tTwo")
