"""How are all collections of all nodes copied, and the aliases that lead to them?"""

from collections.abc import Sequence
from dataclasses import dataclass

from opsctl.core.errors import InconclusiveError, OpsError, RefusedError
from opsctl.core.events import Noted
from opsctl.dr.manifest import GoldenQuery, VectorSnapshot
from opsctl.dr.vectors.golden import GOLDEN_QUERIES
from opsctl.dr.vectors.ports import SnapshotNode, Taking
from opsctl.dr.vectors.take import Taken, take_snapshot

_ROUNDS = 3
_NOT_THERE = "COL006"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenVectors:
    """All collections of all nodes, and the aliases, each of which leads to one of them."""

    snapshots: tuple[VectorSnapshot, ...]
    golden: tuple[GoldenQuery, ...]
    aliases: dict[str, str]


def take_all(nodes: Sequence[SnapshotNode], *, here: Taking, prefix: str) -> TakenVectors:
    """Copy every collection of every node, derived generations too, and read the aliases last.

    A collection that is deleted meanwhile is left out; one that an alias leads to by the end is taken too.

    Raises:
        RefusedError: DRC040 when a node of the cluster has no address.
        InconclusiveError: DRC042 when the aliases lead elsewhere each time that they are looked at.
    """
    require_all_nodes(nodes)
    taken: dict[str, tuple[Taken, ...]] = {}
    wanted = set(here.store.collections())
    for _ in range(_ROUNDS):
        for name in sorted(wanted):
            taken[name] = _take_unless_gone(name, nodes=nodes, here=here, prefix=prefix)
        aliases = here.store.aliases()
        wanted = {target for target in aliases.values() if not taken.get(target)}
        if not wanted:
            return _together(taken, aliases=aliases)
    raise InconclusiveError(
        "the aliases do not hold still",
        code="DRC042",
        why=f"{_ROUNDS} times an alias led to a collection that had not been there: {', '.join(sorted(wanted))}",
        fix="run the backup again when no rebuild runs: opsctl collections status",
    )


def require_all_nodes(nodes: Sequence[SnapshotNode]) -> None:
    """Refuse a cluster of which some nodes have no address: each holds a part that no other can give.

    Raises:
        RefusedError: DRC040.
    """
    views = [node.cluster() for node in nodes]
    peers = {peer: uri for view in views for peer, uri in view.peers.items()}
    missing = sorted(peers.keys() - {view.peer_id for view in views})
    if missing:
        raise RefusedError(
            f"{len(missing)} of {len(peers)} nodes of the Qdrant cluster have no address for clients",
            code="DRC040",
            why="a snapshot holds what is on one node; none would be taken of "
            + ", ".join(f"{peer} ({peers[peer]})" for peer in missing),
            fix="name the address of each node, on Qdrant Cloud such as `https://host:6333/node-0`",
        )


def _take_unless_gone(
    collection: str, *, nodes: Sequence[SnapshotNode], here: Taking, prefix: str
) -> tuple[Taken, ...]:
    try:
        return tuple(
            take_snapshot(
                collection, node=node, here=here, prefix=prefix, golden=0 if number else GOLDEN_QUERIES
            )
            for number, node in enumerate(nodes)
        )
    except OpsError as error:
        if error.code != _NOT_THERE or collection in here.store.collections():
            raise
        here.listener(Noted(subject=collection, message="was deleted meanwhile, so it is left out"))
        return ()


def _together(taken: dict[str, tuple[Taken, ...]], *, aliases: dict[str, str]) -> TakenVectors:
    parts = [each for name in sorted(taken) for each in taken[name]]
    return TakenVectors(
        snapshots=tuple(each.snapshot for each in parts),
        golden=tuple(query for each in parts for query in each.golden),
        aliases=aliases,
    )
