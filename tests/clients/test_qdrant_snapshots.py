"""Snapshots are streamed off a node and back, whole or not at all."""

import hashlib
import time
import warnings
from collections.abc import Callable, Iterator

import pytest
from qdrant_client import QdrantClient
from tests.fakes.odd_node import Visit, odd_node
from tests.running_node import RunningNode, start_node
from tests.stack.vector_node.helpers import create, fill, ids

from opsctl.clients.qdrant_snapshot_values import ClusterView, Engine, EngineKind, NodeSnapshot
from opsctl.clients.qdrant_snapshots import QdrantSnapshots
from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.core.errors import FailedError, NotReadyError, OpsError

Answers = dict[tuple[str, str], Callable[[Visit], None]]

_CONTENT = b"what a snapshot holds"
_MADE = NodeSnapshot(
    name="x.snapshot", size_bytes=len(_CONTENT), checksum=hashlib.sha256(_CONTENT).hexdigest()
)
_FILE = ("GET", "/collections/kept/snapshots/x.snapshot")
_UPLOAD = ("POST", "/collections/kept/snapshots/upload")


@pytest.fixture
def node(vector_node: RunningNode, qdrant: QdrantClient) -> Iterator[QdrantSnapshots]:
    """Give a client of the session's node, with a collection `kept` of 200 points."""
    create(qdrant, "kept")
    fill(qdrant, "kept", 200)
    with QdrantSnapshots(QdrantPlace(url=vector_node.url)) as client:
        yield client


def _pieces(data: bytes, *, size: int) -> Iterator[bytes]:
    for begin in range(0, len(data), size):
        yield data[begin : begin + size]


@pytest.mark.slow
@pytest.mark.stack
def test_a_snapshot_goes_out_and_comes_back(node: QdrantSnapshots, qdrant: QdrantClient) -> None:
    """Made, listed, fetched, removed, and put back over what has changed since; nothing stays on the node."""
    made = node.create("kept")
    listed = node.list("kept")
    data = b"".join(node.download("kept", made))
    node.delete("kept", made.name)
    node.delete("kept", made.name)
    qdrant.delete("kept", list(range(100)))

    digest = hashlib.sha256(data).hexdigest()
    node.upload("kept", _pieces(data, size=1000), size_bytes=len(data), sha256=digest)

    assert listed == (made,)
    assert (made.size_bytes, made.checksum) == (len(data), digest)
    assert ids(qdrant, "kept") == set(range(200))
    assert node.list("kept") == ()


@pytest.mark.stack
def test_pieces_are_bounded(node: QdrantSnapshots) -> None:
    """Whatever the size of a snapshot, memory holds a mebibyte of it."""
    made = node.create("kept")

    sizes = [len(piece) for piece in node.download("kept", made)]

    assert sum(sizes) == made.size_bytes
    assert max(sizes) <= 1024 * 1024


@pytest.mark.stack
def test_an_upload_with_a_wrong_checksum_changes_nothing(node: QdrantSnapshots, qdrant: QdrantClient) -> None:
    """The node compares before it touches the collection."""
    made = node.create("kept")
    data = bytearray(b"".join(node.download("kept", made)))
    qdrant.delete("kept", list(range(100)))
    data[len(data) // 2] ^= 0xFF

    with pytest.raises(FailedError) as caught:
        node.upload("kept", [bytes(data)], size_bytes=len(data), sha256=str(made.checksum))

    assert caught.value.code == "QSN003"
    assert ids(qdrant, "kept") == set(range(100, 200))


@pytest.mark.slow
@pytest.mark.stack
@pytest.mark.parametrize("size", [-1, 1], ids=["too short", "too long"])
def test_an_upload_of_another_length_changes_nothing(
    node: QdrantSnapshots, qdrant: QdrantClient, size: int
) -> None:
    """The form is not brought to its end, so the node has no file."""
    made = node.create("kept")
    data = b"".join(node.download("kept", made))
    qdrant.delete("kept", list(range(100)))

    with pytest.raises(FailedError) as caught:
        node.upload("kept", [data], size_bytes=len(data) - size, sha256=str(made.checksum))

    assert caught.value.code == "QSN002"
    assert ids(qdrant, "kept") == set(range(100, 200))


@pytest.mark.slow
@pytest.mark.stack
def test_what_keeps_the_pieces_from_coming_is_told_as_it_is(
    node: QdrantSnapshots, qdrant: QdrantClient
) -> None:
    """Such as a vault that finds its file damaged at the very end."""
    made = node.create("kept")
    data = b"".join(node.download("kept", made))
    qdrant.delete("kept", list(range(100)))

    def pieces() -> Iterator[bytes]:
        yield data
        raise FailedError("the file is damaged", code="XXX001")

    with pytest.raises(FailedError) as caught:
        node.upload("kept", pieces(), size_bytes=len(data), sha256=str(made.checksum))

    assert caught.value.code == "XXX001"
    assert ids(qdrant, "kept") == set(range(100, 200))


@pytest.mark.stack
def test_a_node_without_room_refuses_at_the_head(node: QdrantSnapshots) -> None:
    """It says so before the snapshot is sent."""
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        while sent < 10_000:
            sent += 1
            yield bytes(65_536)

    with pytest.raises(NotReadyError) as caught:
        node.upload("kept", pieces(), size_bytes=2**60, sha256="0" * 64)

    assert caught.value.code == "QSN004"
    assert sent < 1000


@pytest.mark.slow
@pytest.mark.stack
def test_the_vector_node_is_told_from_a_server(node: QdrantSnapshots, vector_node: RunningNode) -> None:
    """Their snapshots are of another kind; alone, a node's name is where it is."""
    engine = node.engine()

    assert engine.kind is EngineKind.VECTOR_NODE
    assert engine.numbers >= (1, 16, 0)
    assert Engine.parse(str(engine)) == engine
    assert node.cluster() == ClusterView()
    assert node.name == f"127.0.0.1:{vector_node.port}"


@pytest.mark.slow
@pytest.mark.stack
def test_a_collection_that_is_not_there_has_no_snapshot(node: QdrantSnapshots) -> None:
    """The error is that of every other request."""
    with pytest.raises(FailedError) as caught:
        node.create("nowhere")

    assert caught.value.code == "COL006"


@pytest.mark.slow
@pytest.mark.stack
def test_the_key_goes_along(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Without it the node says nothing."""
    data_dir = tmp_path_factory.mktemp("with-key") / "data"
    key_file = data_dir.parent / "key"
    key_file.write_text("secret")
    locked = start_node(data_dir, "--api-key-file", str(key_file))
    try:
        with QdrantSnapshots(QdrantPlace(url=locked.url, api_key="secret")) as known:
            create(_keyed(locked), "kept")
            made = known.create("kept")
        with (
            QdrantSnapshots(QdrantPlace(url=locked.url)) as unknown,
            pytest.raises(NotReadyError) as caught,
        ):
            unknown.create("kept")
    finally:
        locked.end()

    assert made.size_bytes > 0
    assert caught.value.code == "COL003"


def _keyed(node: RunningNode) -> QdrantClient:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Api key is used with an insecure connection")
        client = QdrantClient(url=node.url, api_key="secret", check_compatibility=False)
    node.clients.append(client)
    return client


def _told(answers: Answers, do: Callable[[QdrantSnapshots], object], **patience: float) -> OpsError:
    with (
        odd_node(answers) as url,
        QdrantSnapshots(QdrantPlace(url=url), **patience) as node,
        pytest.raises(OpsError) as caught,
    ):
        do(node)
    return caught.value


def test_a_download_that_is_not_what_the_node_made_is_refused() -> None:
    """The last piece is followed by an error, so whoever keeps it keeps nothing."""
    answers: Answers = {_FILE: lambda visit: visit.say(200, _CONTENT.replace(b"what", b"that"))}

    told = _told(answers, lambda node: list(node.download("kept", _MADE)))

    assert told.code == "QSN001"


def test_a_download_that_breaks_off_is_refused() -> None:
    """Told by the length that the head of the answer promised."""
    answers: Answers = {_FILE: lambda visit: visit.say(200, _CONTENT[:5], length=len(_CONTENT))}

    told = _told(answers, lambda node: list(node.download("kept", _MADE)))

    assert told.code == "QSN002"


def test_a_download_that_is_shorter_than_the_node_said_before_is_refused() -> None:
    """Also where the node tells no checksum."""
    old = NodeSnapshot(name=_MADE.name, size_bytes=_MADE.size_bytes, checksum=None)
    answers: Answers = {_FILE: lambda visit: visit.say(200, _CONTENT[:5])}

    told = _told(answers, lambda node: list(node.download("kept", old)))

    assert told.code == "QSN002"


def test_a_node_that_takes_too_long_is_given_up() -> None:
    """With what may have become of the snapshot."""

    def slow(visit: Visit) -> None:
        time.sleep(0.5)
        visit.say_result({})

    answers: Answers = {("POST", "/collections/kept/snapshots"): slow}

    told = _told(answers, lambda node: node.create("kept"), long_work_seconds=0.1)

    assert (told.code, told.exit_code) == ("QSN005", 3)
    assert "may finish nevertheless" in str(told.fix)


def test_a_server_keeps_no_file_of_an_upload() -> None:
    """It lies among the snapshots of the collection until it is removed."""
    removed: list[str] = []
    asked: list[str] = []

    def remove(visit: Visit) -> None:
        removed.append(visit.path.partition("?")[0])
        visit.say_result(result=True)

    def take(visit: Visit) -> None:
        asked.append(visit.path)
        form = visit.read()
        asked.append(form.split(b'filename="')[1].partition(b'"')[0].decode())
        visit.say_result(result=True)

    with (
        odd_node({_UPLOAD: take, ("DELETE", "*"): remove}) as url,
        QdrantSnapshots(QdrantPlace(url=url)) as node,
    ):
        node.upload("kept", [_CONTENT], size_bytes=len(_CONTENT), sha256="ab" * 32)

    assert "priority=snapshot" in asked[0]
    assert f"checksum={'ab' * 32}" in asked[0]
    assert removed == [f"/collections/kept/snapshots/{asked[1]}"]


def test_the_nodes_of_a_cluster_are_told() -> None:
    """By their ids; the name of a node is its id, whatever its address."""
    cluster = {
        "status": "enabled",
        "peer_id": 7,
        "peers": {"7": {"uri": "http://a:6335/"}, "8": {"uri": "http://b:6335/"}},
    }
    answers: Answers = {("GET", "/node-0/cluster"): lambda visit: visit.say_result(cluster)}

    with odd_node(answers) as url, QdrantSnapshots(QdrantPlace(url=f"{url}/node-0")) as node:
        seen, name = node.cluster(), node.name

    assert seen == ClusterView(peer_id="7", peers={"7": "http://a:6335/", "8": "http://b:6335/"})
    assert name == "7"


def test_something_else_at_the_address_is_told() -> None:
    """Such as a web page."""
    answers: Answers = {("GET", "/"): lambda visit: visit.say(200, b"<html>")}

    assert _told(answers, lambda node: node.engine()).code == "COL008"


@pytest.mark.parametrize("version", ["1.20", "latest", ""])
def test_a_version_without_numbers_cannot_be_compared(version: str) -> None:
    """It is never taken for an old one."""
    engine = Engine(kind=EngineKind.QDRANT, version=version)

    with pytest.raises(ValueError, match=r"unpack|invalid literal"):
        _ = engine.numbers
