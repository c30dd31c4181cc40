"""A collection is copied whole, and what it was at that moment is written down with it."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.dr.vectors.scene import MODEL, SIZE, Scene, some_points

from opsctl.clients.qdrant_snapshot_values import ClusterView, NodeSnapshot
from opsctl.clients.qdrant_snapshots import QdrantSnapshots
from opsctl.clients.qdrant_values import DropAlias, QdrantPlace, SetAlias
from opsctl.core.errors import FailedError, InconclusiveError, NotReadyError, RefusedError
from opsctl.core.events import Noted, PhaseFinished
from opsctl.dr.vectors.scan import Scan, scan
from opsctl.dr.vectors.take import take_snapshot
from opsctl.dr.vectors.take_all import require_all_nodes, take_all

pytestmark = pytest.mark.stack


class Meddling(QdrantSnapshots):
    """A node on which something happens whenever a snapshot has been made."""

    def __init__(self, scene: Scene, *happenings: object) -> None:
        super().__init__(QdrantPlace(url=scene.node.url))
        self.happenings = list(happenings)
        self.made = 0

    def create(self, collection: str) -> NodeSnapshot:
        """Make a snapshot, then let it happen."""
        made = super().create(collection)
        self.made += 1
        if self.happenings:
            happening = self.happenings.pop(0)
            assert callable(happening)
            happening()
        return made


def _update(scene: Scene, title: str) -> None:
    point = some_points(60)[3]
    scene.store.upsert("content", [point | {"payload": {"region": "AU", "title": title}}])


@pytest.mark.slow
def test_a_quiet_collection_is_described_by_what_it_holds(scene: Scene) -> None:
    """Config, indexes, notes, count, digests, and the places before and after."""
    scene.make("content")

    taken = take_snapshot("content", node=scene.node, here=scene.taking, prefix="backups/x")

    found = taken.snapshot
    ids = "".join(
        [f"i{number}\n" for number in range(1, 56)]
        + [f"s0000000{number}-0000-0000-0000-000000000000\n" for number in range(1, 6)]
    )
    assert found.is_quiet
    assert (found.points, found.ids_sha256) == (60, hashlib.sha256(ids.encode()).hexdigest())
    assert (found.watermark_before, found.watermark_after) == ("812:60", "812:60")
    assert (found.lsn_before, found.lsn_after) == ("0/1", "0/2")
    assert (found.embedding_model, found.dimension) == (MODEL, SIZE)
    assert found.payload_schema["region"] == {"data_type": "keyword"}
    assert found.config["params"]["vectors"] == {"size": SIZE, "distance": "Cosine"}
    assert (found.node, found.engine_version) == (scene.node.name, str(scene.node.engine()))
    assert hashlib.sha256(scene.content_of(found)).hexdigest() == found.snapshot.sha256
    assert scene.node.list("content") == ()


@pytest.mark.slow
def test_progress_is_told_by_points_and_bytes(scene: Scene) -> None:
    """So that a bar can show how far it is."""
    scene.make("content")

    taken = take_snapshot("content", node=scene.node, here=scene.taking, prefix="x")

    finished = [event for event in scene.events if isinstance(event, PhaseFinished)]
    assert [event.phase for event in finished] == ["digest", "snapshot", "digest", "copy"]
    assert finished[0].figures["points"] == 60
    assert finished[-1].figures["bytes"] == taken.snapshot.snapshot.size_bytes


@pytest.mark.slow
def test_a_write_during_the_snapshot_is_noticed_and_another_moment_found(scene: Scene) -> None:
    """Also where neither count nor watermark moved; only the last snapshot is kept, none stays on the node."""
    scene.make("content")
    node = Meddling(scene, lambda: _update(scene, "changed"))

    with node:
        taken = take_snapshot("content", node=node, here=scene.taking, prefix="x")

    assert (node.made, taken.snapshot.is_quiet) == (2, True)
    assert len(scene.kept) == 1
    assert scene.node.list("content") == ()
    _expect_as_it_is(scene, taken.snapshot.ids_sha256, taken.snapshot.points_digest)


@pytest.mark.slow
def test_a_watermark_that_moves_is_noticed(scene: Scene) -> None:
    """It is part of the collection, and must come back with it."""
    scene.make("content")
    node = Meddling(
        scene, lambda: scene.store.update_collection("content", {"metadata": {"watermark": "900:1"}})
    )

    with node:
        taken = take_snapshot("content", node=node, here=scene.taking, prefix="x")

    assert (node.made, taken.snapshot.is_quiet) == (2, True)
    assert taken.snapshot.watermark_before == "900:1"


@pytest.mark.drill
def test_a_collection_that_is_always_written_is_taken_and_said_to_be_so(scene: Scene) -> None:
    """After three times; what it holds lies between the two places."""
    scene.make("content")
    node = Meddling(scene, *(lambda number=number: _update(scene, f"{number}") for number in range(5)))

    with node:
        taken = take_snapshot("content", node=node, here=scene.taking, prefix="x")

    assert (node.made, taken.snapshot.is_quiet) == (3, False)
    assert (taken.snapshot.lsn_before, taken.snapshot.lsn_after) == ("0/5", "0/6")
    assert scene.node.list("content") == ()
    assert scene.put_back_after_loss(taken.snapshot).points == 60


def test_a_damaged_copy_is_not_kept_and_the_snapshot_is_removed(scene: Scene) -> None:
    """The node's own checksum is compared before the vault has seen the end."""
    scene.make("content")

    class Damaging(Meddling):
        def download(self, collection: str, snapshot: NodeSnapshot) -> Iterator[bytes]:
            other = NodeSnapshot(name=snapshot.name, size_bytes=snapshot.size_bytes, checksum="00" * 32)
            return super().download(collection, other)

    with Damaging(scene) as node, pytest.raises(FailedError) as caught:
        take_snapshot("content", node=node, here=scene.taking, prefix="x")

    assert caught.value.code == "QSN001"
    assert scene.kept == []
    assert scene.node.list("content") == ()


@pytest.mark.slow
class Unheard(QdrantSnapshots):
    """A node whose answer never comes, whose snapshot is made nevertheless, besides some of others."""

    def __init__(self, scene: Scene, *, error: BaseException, others: int = 0) -> None:
        super().__init__(QdrantPlace(url=scene.node.url))
        self.error, self.others = error, others

    def create(self, collection: str) -> NodeSnapshot:
        """Make snapshots, and do not tell."""
        for _ in range(1 + self.others):
            super().create(collection)
        raise self.error


@pytest.mark.parametrize("error", [NotReadyError("no answer", code="QSN005"), KeyboardInterrupt()])
def test_a_snapshot_whose_answer_is_lost_does_not_stay_on_the_node(
    scene: Scene, error: BaseException
) -> None:
    """Nor does one during which somebody loses patience; what was there before stays."""
    scene.make("content")
    kept = scene.node.create("content")

    with Unheard(scene, error=error) as node, pytest.raises(type(error)):
        take_snapshot("content", node=node, here=scene.taking, prefix="x")

    assert [each.name for each in scene.node.list("content")] == [kept.name]


def test_where_somebody_else_makes_snapshots_too_none_is_taken_for_ours(scene: Scene) -> None:
    """Better one too many than one that somebody needs."""
    scene.make("content")

    with (
        Unheard(scene, error=NotReadyError("no", code="QSN005"), others=1) as node,
        pytest.raises(NotReadyError),
    ):
        take_snapshot("content", node=node, here=scene.taking, prefix="x")

    assert len(scene.node.list("content")) == 2


def test_a_snapshot_that_cannot_be_removed_is_told_and_harms_nothing(scene: Scene) -> None:
    """The copy counts; the node's disk is somebody's business."""
    scene.make("content")

    class Clinging(Meddling):
        def delete(self, collection: str, name: str) -> None:
            raise NotReadyError("no", code="COL004")

    with Clinging(scene) as node:
        taken = take_snapshot("content", node=node, here=scene.taking, prefix="x")

    assert taken.snapshot.points == 60
    (told,) = [event.message for event in scene.events if isinstance(event, Noted)]
    assert "stays on node" in told


@pytest.mark.slow
def test_all_collections_are_taken_with_the_aliases(scene: Scene) -> None:
    """Derived generations too, with what they note of their source."""
    scene.make("content")
    notes = {"opsctl": {"embedding": {"model": MODEL}, "watermark": "812:60"}}
    scene.make("au@20260101", some_points(10), metadata=notes)
    scene.store.change_aliases([SetAlias(alias="au", collection="au@20260101")])

    taken = take_all([scene.node], here=scene.taking, prefix="x")

    found = {each.collection: each for each in taken.snapshots}
    assert set(found) >= {"content", "au@20260101"}
    assert taken.aliases["au"] == "au@20260101"
    assert (found["au@20260101"].embedding_model, found["au@20260101"].watermark_after) == (MODEL, "812:60")
    assert len({each.snapshot.key for each in taken.snapshots}) == len(taken.snapshots)
    assert {query.collection for query in taken.golden} >= {"content", "au@20260101"}


@pytest.mark.slow
def test_a_generation_that_takes_over_meanwhile_is_taken_and_the_old_one_left_out(scene: Scene) -> None:
    """What the aliases lead to by the end is what a restore needs."""
    scene.make("aa@1", some_points(10))
    scene.make("zz", some_points(10))
    scene.store.change_aliases([SetAlias(alias="aa", collection="aa@1")])

    def take_over() -> None:
        scene.make("aa@2", some_points(10))
        scene.store.change_aliases([DropAlias(alias="aa"), SetAlias(alias="aa", collection="aa@2")])
        scene.store.delete_collection("zz")

    with Meddling(scene, take_over) as node:
        taken = take_all([node], here=scene.taking, prefix="x")

    names = {each.collection for each in taken.snapshots}
    assert names >= {"aa@1", "aa@2"}
    assert "zz" not in names
    assert taken.aliases["aa"] == "aa@2"


@pytest.mark.slow
def test_aliases_that_never_hold_still_end_the_backup(scene: Scene) -> None:
    """A backup without what an alias leads to would restore to nothing."""
    scene.make("content", some_points(10))

    class Moving(type(scene.store)):  # type: ignore[misc]
        def aliases(self) -> dict[str, str]:
            return {"content_now": "gone"}

    with Moving(scene.store.place) as store, pytest.raises(InconclusiveError) as caught:
        take_all([scene.node], here=replace(scene.taking, store=store), prefix="x")

    assert caught.value.code == "DRC042"


class _Peer(QdrantSnapshots):
    def __init__(self, scene: Scene, view: ClusterView) -> None:
        super().__init__(QdrantPlace(url=scene.node.url))
        self._view = view

    def cluster(self) -> ClusterView:
        return self._view


def test_a_cluster_of_which_a_node_is_not_known_is_refused(scene: Scene) -> None:
    """Its part of every collection would be missing, unseen."""
    peers = {"1": "http://a:6335/", "2": "http://b:6335/"}
    one = _Peer(scene, ClusterView(peer_id="1", peers=peers))
    two = _Peer(scene, ClusterView(peer_id="2", peers=peers))

    with one, two, pytest.raises(RefusedError) as caught:
        require_all_nodes([one])
    require_all_nodes([one, two])

    assert caught.value.code == "DRC040"
    assert "2 (http://b:6335/)" in str(caught.value.why)


@pytest.mark.slow
def test_the_sample_depends_on_the_ids_alone(scene: Scene) -> None:
    """The same points are asked for in every backup as long as they are there."""
    points = some_points(60)
    scene.make("content", points)
    scene.make("backwards", points[::-1])

    one, other = _scan(scene, "content"), _scan(scene, "backwards")

    assert len(one.sample) == 7
    assert one == other


def _scan(scene: Scene, name: str) -> Scan:
    return scan(name, store=scene.store, clock=scene.taking.clock, listener=scene.events.append, sample=7)


def _expect_as_it_is(scene: Scene, ids_sha256: str, points_digest: str) -> None:
    found = _scan(scene, "content")
    assert (found.ids_sha256, found.points_digest) == (ids_sha256, points_digest)
