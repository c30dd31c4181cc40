"""A collection comes back as it was, or not at all; nothing is put where it does not belong."""

from dataclasses import replace

import pytest
from tests.dr.vectors.scene import TERMS, Scene, some_points

from opsctl.clients.qdrant_snapshot_values import Engine, EngineKind
from opsctl.clients.qdrant_snapshots import QdrantSnapshots
from opsctl.clients.qdrant_values import QdrantPlace, SetAlias
from opsctl.core.errors import FailedError, OpsError, RefusedError
from opsctl.core.events import Noted
from opsctl.dr.manifest import VectorSnapshot
from opsctl.dr.vectors.aliases import lost_aliases, put_back_aliases
from opsctl.dr.vectors.compare import require_equal
from opsctl.dr.vectors.fitting import require_engine
from opsctl.dr.vectors.golden import check_golden
from opsctl.dr.vectors.put_back import put_back
from opsctl.dr.vectors.scan import scan
from opsctl.dr.vectors.take import Taken, take_snapshot

pytestmark = pytest.mark.stack


@pytest.fixture
def taken(scene: Scene) -> Taken:
    """Give a snapshot of the collection `content`, which is still there."""
    scene.make("content")
    return take_snapshot("content", node=scene.node, here=scene.taking, prefix="backups/x")


def _refused(scene: Scene, snapshot: VectorSnapshot, **terms: object) -> OpsError:
    with pytest.raises(OpsError) as caught:
        scene.put_back(snapshot, replace(TERMS, **terms))  # type: ignore[arg-type]
    return caught.value


@pytest.mark.slow
def test_a_lost_collection_comes_back_whole(scene: Scene, taken: Taken) -> None:
    """Points, vectors, payload indexes and notes, and searches find what they found."""
    vectors = scene.vectors("content", [1, 2, 3])

    back = scene.put_back_after_loss(taken.snapshot)

    state = scene.store.collection("content")
    assert (back.collection, back.points, back.mended_indexes, back.mended_notes) == (
        "content",
        60,
        (),
        False,
    )
    assert state.payload_schema["region"]["points"] == 60
    assert state.metadata["watermark"] == "812:60"
    assert scene.vectors("content", [1, 2, 3]) == vectors
    assert check_golden(taken.golden, store=scene.store).holds
    assert scene.node.list("content") == ()


@pytest.mark.slow
def test_a_trial_goes_under_another_name(scene: Scene, taken: Taken) -> None:
    """Beside the collection itself, which is not touched."""
    scene.store.delete_points("content", [1])

    scene.put_back(taken.snapshot, replace(TERMS, name="trial"))

    assert (scene.store.count("content"), scene.store.count("trial")) == (59, 60)


@pytest.mark.slow
def test_a_collection_that_is_there_is_left_alone_until_told(scene: Scene, taken: Taken) -> None:
    """Then all of its points are those of the snapshot."""
    scene.store.delete_points("content", [1])

    refused = _refused(scene, taken.snapshot)
    before = scene.store.count("content")
    scene.put_back(taken.snapshot, replace(TERMS, replace=True))

    assert (refused.code, before) == ("DRC047", 59)
    assert scene.store.count("content") == 60


@pytest.mark.slow
def test_an_alias_with_the_name_is_never_written_through(scene: Scene, taken: Taken) -> None:
    """An upload by its name would replace what it leads to."""
    scene.store.delete_collection("content")
    scene.make("other", some_points(10))
    scene.store.change_aliases([SetAlias(alias="content", collection="other")])

    refused = _refused(scene, taken.snapshot, replace=True)

    assert refused.code == "DRC047"
    assert scene.store.count("other") == 10


@pytest.mark.slow
def test_a_snapshot_that_was_damaged_in_the_vault_changes_nothing(scene: Scene, taken: Taken) -> None:
    """One byte is enough, and the vault finds it before the node has all."""
    key = taken.snapshot.snapshot.key
    sealed = bytearray(b"".join(scene.repository.get(key)))
    sealed[len(sealed) // 2] ^= 1
    scene.repository.delete(key)
    scene.repository.put(key, [bytes(sealed)])

    refused = _refused(scene, taken.snapshot, replace=True)

    assert refused.code == "DRC001"
    assert scene.store.count("content") == 60


@pytest.mark.slow
def test_another_content_than_the_manifest_says_is_refused_by_the_node(scene: Scene, taken: Taken) -> None:
    """The checksum goes along with the upload; a collection that was lost is not half there afterwards."""
    scene.store.delete_collection("content")
    data = bytearray(scene.content_of(taken.snapshot))
    data[len(data) // 2] ^= 1

    with pytest.raises(FailedError) as caught:
        put_back(taken.snapshot, pieces=[bytes(data)], node=scene.node, here=scene.returning, terms=TERMS)

    assert caught.value.code == "QSN003"
    assert "content" not in scene.store.collections()


@pytest.mark.parametrize(
    ("made", "there", "code"),
    [
        ("qdrant 1.20.1", "qdrant 1.20.1", None),
        ("qdrant 1.20.1", "qdrant 1.20.4", None),
        ("qdrant 1.20.1", "qdrant 1.20.0", "DRC044"),
        ("qdrant 1.20.1", "qdrant 1.21.1", "DRC044"),
        ("qdrant 1.20.1", "qdrant 1.19.9", "DRC044"),
        ("qdrant 1.20.1", "qdrant 2.20.1", "DRC044"),
        ("qdrant 1.9.1", "qdrant 1.10.1", "DRC044"),
        ("vector-node 1.20.0", "qdrant 1.20.0", "DRC043"),
        ("qdrant 1.20.0", "vector-node 1.20.0", "DRC043"),
        ("something 1.20.0", "qdrant 1.20.0", "DRC044"),
        ("qdrant 1.20", "qdrant 1.20.0", "DRC044"),
    ],
)
def test_only_an_engine_that_can_read_the_snapshot_gets_it(made: str, there: str, code: str | None) -> None:
    """The same kind and minor version, and no older patch."""
    found = None

    try:
        require_engine("content", made_by=made, engine=Engine.parse(there))
    except RefusedError as error:
        found = error.code

    assert found == code


@pytest.mark.slow
def test_another_version_is_refused_before_anything_is_read(scene: Scene, taken: Taken) -> None:
    """Neither the vault nor the collection is touched."""

    class Newer(QdrantSnapshots):
        def engine(self) -> Engine:
            return Engine(kind=EngineKind.VECTOR_NODE, version="1.99.0")

    def unread() -> object:
        raise AssertionError("the pieces were read")
        yield b""

    with Newer(QdrantPlace(url=scene.node.url)) as node, pytest.raises(RefusedError) as caught:
        put_back(
            taken.snapshot,
            pieces=unread(),  # type: ignore[arg-type]
            node=node,
            here=scene.returning,
            terms=replace(TERMS, replace=True),
        )

    assert caught.value.code == "DRC044"
    assert "1.20" in str(caught.value.fix)


@pytest.mark.slow
def test_another_embedding_is_refused(scene: Scene, taken: Taken) -> None:
    """Vectors of two models never mix, nor vectors of two lengths."""
    model = _refused(scene, taken.snapshot, replace=True, embedding_model="hashing-v1-d8-s1")
    dimension = _refused(scene, taken.snapshot, replace=True, dimension=16)

    assert (model.code, dimension.code) == ("DRC045", "DRC046")
    assert scene.store.count("content") == 60


@pytest.mark.slow
def test_a_payload_index_that_the_snapshot_forgot_is_made_anew(scene: Scene, taken: Taken) -> None:
    """And it is told which; filters would scan every point without it."""
    schema = dict(taken.snapshot.payload_schema) | {"title": {"data_type": "keyword"}}

    back = scene.put_back_after_loss(replace(taken.snapshot, payload_schema=schema))

    assert back.mended_indexes == ("title",)
    assert scene.store.collection("content").payload_schema["title"]["points"] == 60
    assert any("`title`" in event.message for event in scene.events if isinstance(event, Noted))


@pytest.mark.slow
def test_notes_of_another_time_are_written_anew(scene: Scene, taken: Taken) -> None:
    """A server that recovers over a collection keeps the notes of that one, whose watermark would lie."""

    class Keeping(QdrantSnapshots):
        def upload(self, collection: str, pieces: object, *, size_bytes: int, sha256: str) -> None:
            super().upload(collection, pieces, size_bytes=size_bytes, sha256=sha256)  # type: ignore[arg-type]
            scene.store.update_collection(collection, {"metadata": {"watermark": "999:1"}})

    with Keeping(QdrantPlace(url=scene.node.url)) as node:
        back = put_back(
            taken.snapshot,
            pieces=scene.vault.get(taken.snapshot.snapshot),
            node=node,
            here=scene.returning,
            terms=replace(TERMS, replace=True),
        )

    assert back.mended_notes
    assert scene.store.collection("content").metadata["watermark"] == "812:60"


@pytest.mark.slow
def test_whatever_is_not_as_it_was_is_told(scene: Scene, taken: Taken) -> None:
    """Parameters, payload indexes, number of points, ids, payloads."""
    vectors = {"params": {"vectors": {"size": 8, "distance": "Dot"}}}
    told = {
        "60 points, there were 59": replace(taken.snapshot, points=59),
        "other ids": replace(taken.snapshot, ids_sha256="0" * 64),
        "other payloads": replace(taken.snapshot, points_digest="0" * 32),
        "`params.vectors.distance` is Cosine, it was Dot": replace(taken.snapshot, config=vectors),
        "payload index `n` is None": replace(taken.snapshot, payload_schema={"n": {"data_type": "float"}}),
    }

    require_equal(taken.snapshot, name="content", here=scene.returning)
    for word, snapshot in told.items():
        with pytest.raises(FailedError) as caught:
            require_equal(snapshot, name="content", here=scene.returning)
        assert (caught.value.code, len(caught.value.findings)) == ("DRC048", 1)
        assert word in str(caught.value.why)


@pytest.mark.slow
def test_what_came_back_wrong_is_removed_again(scene: Scene, taken: Taken) -> None:
    """Nothing of doubtful content stays behind where nothing was."""
    scene.store.delete_collection("content")

    refused = _refused(scene, replace(taken.snapshot, points=59))

    assert refused.code == "DRC048"
    assert "content" not in scene.store.collections()


@pytest.mark.slow
def test_of_a_snapshot_that_was_not_quiet_the_digests_are_not_asked(scene: Scene, taken: Taken) -> None:
    """They are of a moment that the snapshot may just have missed; the truth decides what is right then."""
    busy = replace(
        taken.snapshot, is_quiet=False, points=61, watermark_before="812:10", watermark_after="812:99"
    )

    back = scene.put_back_after_loss(busy)

    assert not back.mended_notes
    assert scene.store.count("content") == 60


def test_the_digests_see_a_changed_payload(scene: Scene, taken: Taken) -> None:
    """One word in one point, with the same ids."""
    before = scan("content", store=scene.store, clock=scene.taking.clock, listener=scene.events.append)
    point = some_points(60)[9]
    scene.store.upsert("content", [point | {"payload": {"region": "AU", "title": "other"}}])

    after = scan("content", store=scene.store, clock=scene.taking.clock, listener=scene.events.append)

    assert before.points_digest == taken.snapshot.points_digest != after.points_digest
    assert before.ids_sha256 == after.ids_sha256


@pytest.mark.slow
def test_aliases_are_put_back_all_at_once(scene: Scene) -> None:
    """Those that lead elsewhere and those that are gone; others of the server are left alone."""
    for name in ("au@1", "au@2", "nz@1"):
        scene.make(name, some_points(10))
    scene.store.change_aliases(
        [SetAlias(alias="au", collection="au@1"), SetAlias(alias="theirs", collection="au@1")]
    )
    wanted = {"au": "au@2", "nz": "nz@1"}
    lost = lost_aliases(wanted, store=scene.store)

    first = put_back_aliases(wanted, store=scene.store)
    second = put_back_aliases(wanted, store=scene.store)

    assert lost == {"au": "au@1", "nz": None}
    assert (first.changed, first.unchanged) == (("au", "nz"), ())
    assert (second.changed, second.unchanged) == ((), ("au", "nz"))
    assert scene.store.aliases() == wanted | {"theirs": "au@1"}


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [{"au": "au@1", "nz": "nz@1"}, {"au": "au@1", "au@1": "au@1"}])
def test_aliases_that_cannot_all_be_set_are_not_set_at_all(scene: Scene, wanted: dict[str, str]) -> None:
    """Because their collection is not there, or a collection has the name."""
    scene.make("au@1", some_points(10))

    with pytest.raises(RefusedError) as caught:
        put_back_aliases(wanted, store=scene.store)

    assert caught.value.code == "DRC049"
    assert scene.store.aliases() == {}
