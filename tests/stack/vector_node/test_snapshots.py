"""A snapshot brings a collection back as it was, and a damaged one changes nothing."""

import hashlib
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest
from qdrant_client import QdrantClient, models
from tests.running_node import RunningNode
from tests.stack.vector_node.helpers import create, fill, ids

pytestmark = pytest.mark.stack

_SNAPSHOTS = "/collections/kept/snapshots"


@pytest.fixture
def http(vector_node: RunningNode, qdrant: QdrantClient) -> Iterator[httpx.Client]:
    """Give a plain client, and a collection `kept` of 300 points with an index and metadata."""
    create(qdrant, "kept", metadata={"generation": 7})
    qdrant.create_payload_index("kept", "n", models.PayloadSchemaType.INTEGER)
    fill(qdrant, "kept", 300)
    with vector_node.http() as client:
        yield client


@pytest.mark.slow
def test_a_snapshot_brings_the_collection_back(
    vector_node: RunningNode, qdrant: QdrantClient, http: httpx.Client, tmp_path: Path
) -> None:
    """Create, list, download, lose points, recover from the file: points, index and metadata are as before."""
    made = qdrant.create_snapshot("kept")
    assert made is not None
    assert [each.name for each in qdrant.list_snapshots("kept")] == [made.name]
    data = http.get(f"{_SNAPSHOTS}/{made.name}").content
    assert (len(data), hashlib.sha256(data).hexdigest()) == (made.size, made.checksum)
    path = tmp_path / "kept.snapshot"
    path.write_bytes(data)
    qdrant.delete("kept", list(range(100)))

    qdrant.recover_snapshot("kept", f"file://{path}", checksum=made.checksum)
    qdrant.recover_snapshot("kept_copy", f"{vector_node.url}{_SNAPSHOTS}/{made.name}")

    for name in ("kept", "kept_copy"):
        info = qdrant.get_collection(name)
        assert ids(qdrant, name) == set(range(300))
        assert info.payload_schema["n"].points == 300
        assert info.config.metadata == {"generation": 7}
    assert qdrant.delete_snapshot("kept", made.name)
    assert qdrant.list_snapshots("kept") == []


@pytest.mark.slow
def test_a_snapshot_comes_back_by_upload(qdrant: QdrantClient, http: httpx.Client) -> None:
    """A multipart upload with the right checksum makes a new collection; with a wrong one it is refused."""
    made = qdrant.create_snapshot("kept")
    assert made is not None
    data = http.get(f"{_SNAPSHOTS}/{made.name}").content
    upload = "/collections/uploaded/snapshots/upload"

    refused = http.post(upload, params={"checksum": "0" * 64}, files={"snapshot": ("x.snapshot", data)})
    accepted = http.post(upload, params={"checksum": made.checksum}, files={"snapshot": ("x.snapshot", data)})

    assert (refused.status_code, accepted.status_code) == (400, 200)
    assert ids(qdrant, "uploaded") == set(range(300))


def test_a_damaged_snapshot_changes_nothing(qdrant: QdrantClient, http: httpx.Client, tmp_path: Path) -> None:
    """Wrong checksum, cut-off file, no snapshot at all: each refused, and the collection serves on."""
    made = qdrant.create_snapshot("kept")
    assert made is not None
    data = http.get(f"{_SNAPSHOTS}/{made.name}").content
    fill(qdrant, "kept", 10, first=300)
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 0xFF
    damaged = {"flipped": bytes(flipped), "cut": data[: len(data) // 2], "text": b"not a snapshot"}

    for word, content in damaged.items():
        path = tmp_path / word
        path.write_bytes(content)
        checksum = {"checksum": made.checksum} if word == "flipped" else {}
        answer = http.put(f"{_SNAPSHOTS}/recover", json={"location": f"file://{path}"} | checksum)
        assert answer.status_code == 400, (word, answer.text)
        assert "Wrong input" in answer.json()["status"]["error"]

    assert ids(qdrant, "kept") == set(range(310))


@pytest.mark.slow
@pytest.mark.parametrize(
    "location", ["http://192.0.2.1/x.snapshot", "ftp://127.0.0.1/x", "file:///nowhere/x", "x"]
)
def test_a_snapshot_from_elsewhere_is_refused(http: httpx.Client, location: str) -> None:
    """Only files and addresses of this machine are read."""
    answer = http.put(f"{_SNAPSHOTS}/recover", json={"location": location})

    assert answer.status_code == 400
    assert "Wrong input" in answer.json()["status"]["error"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nope.snapshot", "..%2F..%2Fcatalog.json", ".hidden.snapshot"])
def test_an_unknown_snapshot_is_not_found(http: httpx.Client, name: str) -> None:
    """A name never leads out of the snapshot directory."""
    assert http.get(f"{_SNAPSHOTS}/{name}").status_code == 404


def test_an_upload_that_the_disk_cannot_take_is_refused_at_its_head(vector_node: RunningNode) -> None:
    """A length beyond the free space is answered with 413 before the body is sent."""
    connection = HTTPConnection("127.0.0.1", vector_node.port, timeout=30)
    connection.putrequest("POST", "/collections/kept/snapshots/upload")
    connection.putheader("content-type", "multipart/form-data; boundary=x")
    connection.putheader("content-length", str(2**60))
    connection.endheaders()

    answer = connection.getresponse()

    assert answer.status == 413
    assert b"larger than allowed" in answer.read()
    connection.close()
