"""How do the nodes of the vectors hold and copy what they are given, and why so?"""

from opsctl.deploy.book import DeployBook, Qdrant
from opsctl.deploy.templating import render


def qdrant_config(book: DeployBook, *, is_cluster: bool) -> str:
    """Return the configuration of a node."""
    chosen = book.qdrant
    return render(
        "qdrant/production.yaml",
        {
            "qdrant": chosen,
            "is_cluster": is_cluster,
            "shards_why": _shards_why(chosen),
            "replication_why": _replication_why(chosen),
            "consistency_why": _consistency_why(chosen),
        },
    )


def _shards_why(chosen: Qdrant) -> str:
    each, rest = divmod(chosen.shards, chosen.nodes)
    if rest:
        return f"some nodes have {each}, some {each + 1}; a multiple of the nodes would load them alike."
    if each == 1:
        return "one a node, so all are loaded alike; a node more would have nothing to do."
    return f"{each} a node, so all are loaded alike, and up to {chosen.shards} nodes can share them without resharding."


def _replication_why(chosen: Qdrant) -> str:
    if chosen.replication == 1:
        return "One copy: a node that is gone takes its part of every search with it."
    lost = chosen.replication - 1
    nodes = "one node" if lost == 1 else f"{lost} nodes"
    return f"{chosen.replication} copies, on different nodes: searches are whole while {nodes} may be away."


def _consistency_why(chosen: Qdrant) -> str:
    away = chosen.replication - chosen.write_consistency
    if away == 0:
        return "Every copy has a write before it counts: nothing old is ever read, and a node that is away refuses writes."
    nodes = "one node is" if away == 1 else f"{away} nodes are"
    return f"Writes go on while {nodes} away; the copy that missed them is brought level, and the outbox repeats what was lost."
