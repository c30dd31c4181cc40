"""How fast are backup, verification and restore against the native tools run by hand, and vectors from a snapshot against rebuilt?

    python -m tests.benchmarks.backup_speed [--megabytes 400] [--points 20000] [--rounds 3]

Each pair is run in turns on one server, with the same bytes, each ending in synced files. The native way to back up is
`pg_basebackup` into a tar file with SHA-256 checksums, and that file hashed; ours also compresses, encrypts, and keeps
the digests of what is stored. The native way back is `tar -x` and `pg_verifybackup`. Peak memory is taken at two sizes.
"""

import argparse
import hashlib
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import psutil
from tests.benchmarks.rows import Spread, at_least, tell
from tests.dr.postgres.own_server import OwnServer, programs_for
from tests.running_node import start_node
from tests.scratch_project import free_port

from opsctl.catalog.item_points import PAYLOAD_INDEXES
from opsctl.catalog.qdrant_sink import QdrantSink
from opsctl.catalog.sink import CollectionNeeds, VectorPoint
from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_snapshots import QdrantSnapshots
from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.clients.repository_folder import FolderRepository
from opsctl.clients.sealing import Sealing, new_key
from opsctl.core.clock import SystemClock
from opsctl.core.events import ignore
from opsctl.dr.manifest import BaseBackup, SealedFile
from opsctl.dr.postgres.base_backup import take_base_backup
from opsctl.dr.postgres.tar_files import unpack
from opsctl.dr.vault import Vault
from opsctl.dr.vectors.fitting import Terms
from opsctl.dr.vectors.ports import Returning, Taking
from opsctl.dr.vectors.put_back import put_back
from opsctl.dr.vectors.take import take_snapshot
from opsctl.embeddings.hashing import HashingEmbedder
from opsctl.store.outbox import Watermark

LEAST_SHARE = 0.7
Result = TypeVar("Result")
_MIB = 1024**2
_COLLECTION = "content"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A server with something in it, and a folder for everything that is made."""

    server: OwnServer
    folder: Path


class Pair(NamedTuple):
    """The seconds of the native way and of ours, in turns, and how many bytes each deals with."""

    native: list[float]
    ours: list[float]
    size_bytes: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=400, help="of the database")
    parser.add_argument("--points", type=int, default=20_000, help="of the collection")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-of", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        _print_peak_memory(*arguments.memory_of)
        return
    print(
        f"{platform.processor() or platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}"
    )
    with tempfile.TemporaryDirectory(prefix="opsctl-backup-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with _server(folder, megabytes=arguments.megabytes) as server:
            _measure_database(Place(server=server, folder=folder), rounds=arguments.rounds)
    _measure_vectors(points=arguments.points, rounds=arguments.rounds)


def _measure_database(place: Place, *, rounds: int) -> None:
    for name, sealing in (("compressed", Sealing()), ("compressed and encrypted", _encrypting())):
        folder = place.folder / f"vault-{len(sealing.recipients)}"
        native, ours, made = [], [], []
        for number in range(rounds):
            native.append(_timed(partial(_native_backup, place))[0])
            seconds, backup = _timed(partial(_our_backup, place, folder, sealing, number))
            ours.append(seconds)
            made.append(backup)
        kept = made[-1]
        vault = Vault(FolderRepository(folder), sealing)
        print(f"base backup of {kept.tar.size_bytes / _MIB:,.0f} MiB, {name}:")
        pairs = {
            ("backup", "pg_basebackup and sha256"): Pair(native, ours, kept.tar.size_bytes),
            ("restore", "tar and pg_verifybackup"): _restores(place, vault, kept, rounds=rounds),
            ("verify stored bytes", "raw sha256"): _checks(folder, vault, kept.tar, rounds=rounds),
        }
        for (what, against), pair in pairs.items():
            _print_share(f"{what}, {name}", against, pair)
    peak = _peak_mib(place)
    print(f"peak memory of the process that makes such a backup: {peak:,.0f} MiB")
    tell("backup_speed", "peak memory of the process that makes an encrypted backup", peak, unit="MiB")


def _restores(place: Place, vault: Vault, kept: BaseBackup, *, rounds: int) -> Pair:
    native, ours = [], []
    for _ in range(rounds):
        native.append(_timed(partial(_native_restore, place))[0])
        ours.append(_timed(partial(_our_restore, place, vault, kept))[0])
    return Pair(native, ours, kept.tar.size_bytes)


def _checks(folder: Path, vault: Vault, file: SealedFile, *, rounds: int) -> Pair:
    path, native, ours = folder / file.key, [], []
    for _ in range(rounds):
        native.append(_timed(partial(_hash, path))[0])
        ours.append(_timed(partial(vault.check_stored, file))[0])
    return Pair(native, ours, file.stored_bytes)


def _native_backup(place: Place) -> None:
    target = place.folder / "native"
    shutil.rmtree(target, ignore_errors=True)
    _run(
        place,
        *("pg_basebackup", "-Ft", "-X", "fetch", "--manifest-checksums=SHA256", "--checkpoint=fast"),
        *("-D", str(target), "-d", f"host=127.0.0.1 port={place.server.port} user=opsctl dbname=postgres"),
    )
    _hash(target / "base.tar")


def _our_backup(place: Place, folder: Path, sealing: Sealing, number: int) -> BaseBackup:
    vault = Vault(FolderRepository(folder), sealing)
    return take_base_backup(
        place.server.address(),
        programs=place.server.programs,
        vault=vault,
        prefix=f"{number}",
        parent_manifest=None,
        listener=ignore,
    )


def _native_restore(place: Place) -> None:
    target = place.folder / "native-restore"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    subprocess.run(["tar", "-xf", str(place.folder / "native" / "base.tar"), "-C", str(target)], check=True)
    shutil.copy(place.folder / "native" / "backup_manifest", target)
    _verify(place, target)


def _our_restore(place: Place, vault: Vault, kept: BaseBackup) -> None:
    target = place.folder / "our-restore"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    unpack(vault.get(kept.tar), into=target)
    _verify(place, target)


def _verify(place: Place, target: Path) -> None:
    program = place.server.programs.path_of("pg_verifybackup")
    subprocess.run([program, "--no-parse-wal", str(target)], check=True, capture_output=True)


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _run(place: Place, program: str, *words: str) -> None:
    account = place.server.programs.account
    target = place.folder / "native"
    target.mkdir(mode=0o700)
    if account is not None:
        os.chown(target, account.uid, account.gid)
    subprocess.run(
        [place.server.programs.path_of(program), *words],
        check=True,
        capture_output=True,
        env={**os.environ, "PGPASSWORD": place.server.password},
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def _encrypting() -> Sealing:
    identity, recipient = new_key()
    return Sealing(recipients=(recipient,), identities=(identity,))


def _peak_mib(place: Place) -> float:
    """Return the peak memory of a process that makes one backup and does nothing else."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.benchmarks.backup_speed"),
            *("--memory-of", str(place.folder), str(place.server.port)),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def _print_peak_memory(folder: str, port: str) -> None:
    import resource

    server = OwnServer(folder=Path(folder) / "server", programs=programs_for(Path(folder)), port=int(port))
    place = Place(server=server, folder=Path(folder))
    _our_backup(place, Path(folder) / "vault-memory", _encrypting(), 0)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


@contextmanager
def _server(folder: Path, *, megabytes: int) -> Iterator[OwnServer]:
    server = OwnServer(folder=folder / "server", programs=programs_for(folder), port=free_port())
    server.make(settings="shared_buffers = '128MB'\nmax_wal_size = '4GB'\n")
    server.start()
    try:
        # Half of it compresses well, as text does, half not at all.
        server.execute("create table filler (id int, text text, noise bytea)")
        rows = megabytes * 1000
        server.execute(
            "insert into filler select n, repeat(md5((n / 10)::text), 16),"  # noqa: S608 - a number
            " decode(string_agg(md5((n * 16 + m)::text), ''), 'hex')"
            f" from generate_series(1, {rows}) as n, generate_series(0, 31) as m group by n"
        )
        server.execute("checkpoint")
        yield server
    finally:
        server.stop()


def _measure_vectors(*, points: int, rounds: int) -> None:
    sizes = sorted({1000, points // 4, points})
    pairs = [_vectors_of(size, rounds=rounds) for size in sizes]
    print(
        "a collection of 128 dimensions comes back, rebuilt from its rows (hashing embedder) or from its snapshot:"
    )
    medians = [(statistics.median(rebuilt), statistics.median(returned)) for rebuilt, returned in pairs]
    for size, (rebuilds, returns) in zip(sizes, pairs, strict=True):
        tell(
            "backup_speed",
            f"{size:,} points from a snapshot",
            Spread.of_pairs(rebuilds, returns),
            unit="x",
            against="the speed of building them from their rows",
        )
    for size, (rebuilt, returned) in zip(sizes, medians, strict=True):
        print(
            f"  {size:>8,} points: rebuilt {rebuilt:.2f} s, snapshot {returned:.2f} s, with every point compared; "
            f"{rebuilt / returned:.2f} times as fast"
        )
    print(f"  {_crossing(sizes, medians)}")


def _crossing(sizes: list[int], pairs: list[tuple[float, float]]) -> str:
    """Return from which size on the snapshot is faster, by a straight line through each row of times."""
    slope_rebuilt, fixed_rebuilt = np.polyfit(sizes, [rebuilt for rebuilt, _ in pairs], 1)
    slope_returned, fixed_returned = np.polyfit(sizes, [returned for _, returned in pairs], 1)
    if slope_rebuilt <= slope_returned:
        return "the snapshot never gets ahead at these sizes: an embedder that costs more than hashing turns that round"
    points = (fixed_returned - fixed_rebuilt) / (slope_rebuilt - slope_returned)
    return f"the snapshot is faster from about {max(0.0, points):,.0f} points on"


def _vectors_of(points: int, *, rounds: int) -> tuple[list[float], list[float]]:
    """Return the seconds of both ways for a collection of this size."""
    embedder = HashingEmbedder(dimension=128, seed=0)
    texts = [
        f"studio {number} for prints, posters and invitations in district {number % 97}"
        for number in range(points)
    ]
    with tempfile.TemporaryDirectory() as name:
        node = start_node(Path(name) / "data")
        place = QdrantPlace(url=node.url, timeout_seconds=120)
        try:
            with QdrantStore(place) as store, QdrantSnapshots(place) as client:
                vault = Vault(FolderRepository(Path(name) / "vault"), _encrypting())
                sink = QdrantSink(store, clock=SystemClock())
                _build(sink, embedder, texts)
                taking = Taking(store=store, vault=vault, read_lsn=lambda: None, clock=SystemClock())
                taken = take_snapshot(_COLLECTION, node=client, here=taking, prefix="vectors")
                returning = Returning(store=store, clock=SystemClock())
                terms = Terms(embedding_model=embedder.model_id, dimension=128)
                back = partial(put_back, taken.snapshot, node=client, here=returning, terms=terms)
                rebuilt, returned = [], []
                for _ in range(rounds):
                    store.delete_collection(_COLLECTION)
                    rebuilt.append(_timed(partial(_build, sink, embedder, texts))[0])
                    store.delete_collection(_COLLECTION)
                    pieces = vault.get(taken.snapshot.snapshot)
                    returned.append(_timed(partial(back, pieces=pieces))[0])
        finally:
            node.end()
    return rebuilt, returned


def _build(sink: QdrantSink, embedder: HashingEmbedder, texts: list[str]) -> None:
    needs = CollectionNeeds(dimension=128, model_id=embedder.model_id, payload_indexes=PAYLOAD_INDEXES)
    sink.ensure_collection(_COLLECTION, needs)
    for begin in range(0, len(texts), 1000):
        some = texts[begin : begin + 1000]
        points = [
            VectorPoint(
                id=begin + place, vector=vector, payload={"region": "AU", "category": "print", "quality": 0.5}
            )
            for place, vector in enumerate(embedder.embed(some))
        ]
        sink.upsert(_COLLECTION, points)
    sink.note_watermark(_COLLECTION, Watermark(1, 1), needs=needs)
    sink.wait_until_indexed(_COLLECTION, on_look=lambda _indexed: None)


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def _print_share(name: str, against: str, pair: Pair) -> None:
    row = tell(
        "backup_speed",
        name,
        Spread.of_pairs(pair.native, pair.ours),
        unit="x",
        against=f"the speed of {against}",
        target=at_least(LEAST_SHARE),
    )
    speed = pair.size_bytes / _MIB / statistics.median(pair.ours)
    print(
        f"  {name} against {against}: {row.value:.2f} times its speed, {speed:,.0f} MiB/s; "
        f"at least {LEAST_SHARE} wanted: {row.verdict}"
    )


if __name__ == "__main__":
    main()
