"""The page of all workers is the library's own, line by line, whatever stands in the files and however they change."""

import shutil
import struct
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.utils import floatToGoString

from opsctl.service.telemetry.merging import MergedFiles

BOUNDS = (0.005, 1.0, 2500000.0, float("inf"))
VALUES = st.floats(allow_nan=True, allow_infinity=True) | st.integers(0, 10**9).map(float)
TEXTS = st.sampled_from(["feed", "", 'quoted "twice"', "back\\slash", "two\nlines", "straße 道", "a b"])
SET_AT = st.sampled_from([0.0, 1.0, 2.0, 1_800_000_000.5])
Entry = tuple[str, float, float]
Files = dict[str, list[Entry]]


def key(metric: str, sample: str, **labels: str) -> str:
    """Return what the library writes in front of a number."""
    return mmap_key(metric, sample, list(labels), list(labels.values()), f'Help of "{metric}" \\ {{}}.')


@st.composite
def entries(draw: st.DrawFn, kind: str) -> list[Entry]:
    """Draw what a worker's file of this kind holds; each kind has metrics of its own, as in the service."""
    found: dict[str, Entry] = {}
    for _ in range(draw(st.integers(0, 6))):
        metric, label = f"{kind}_{draw(st.integers(1, 2))}", draw(TEXTS)
        sample, labels = metric, {"route": label}
        if kind == "counter":
            sample = f"{metric}_total"
        if kind == "histogram":
            bound = draw(st.sampled_from((None, *BOUNDS)))
            sample = f"{metric}_sum" if bound is None else f"{metric}_bucket"
            labels |= {} if bound is None else {"le": floatToGoString(bound)}
        entry = key(metric, sample, **labels)
        found[entry] = (entry, draw(VALUES), draw(SET_AT))
    return list(found.values())


KINDS = ("counter", "histogram", "gauge_livesum", "gauge_livemax", "gauge_livemin", "gauge_livemostrecent")


@st.composite
def files(draw: st.DrawFn) -> Files:
    """Draw the files of up to three workers, or of some of them."""
    names = draw(st.sets(st.tuples(st.sampled_from(KINDS), st.integers(1, 3)), max_size=8))
    return {f"{kind}_{pid}.db": draw(entries(kind)) for kind, pid in sorted(names)}


def write(folder: Path, wanted: Mapping[str, list[Entry]]) -> None:
    """Write numbers into files, which keep what else they hold."""
    for name, rows in wanted.items():
        values = MmapedDict(str(folder / name))
        for entry, value, set_at in rows:
            values.write_value(entry, value, set_at)
        values.close()


def pages_of_library(folder: Path) -> tuple[list[bytes], list[bytes]]:
    """Return the lines of both formats, in order of their text: the library's own order is that of the folder."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    return sorted(generate_latest(registry).split(b"\n")), sorted(generate_openmetrics(registry).split(b"\n"))


def pages(merged: MergedFiles) -> tuple[list[bytes], list[bytes]]:
    """Return the same of ours."""
    openmetrics = merged.page(exemplar_of=lambda _metric, _labels, _bucket: "")
    return sorted(merged.page().split(b"\n")), sorted(openmetrics.split(b"\n"))


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(files(), st.sets(st.integers(1, 3))), min_size=1, max_size=3))
def test_the_page_is_the_librarys_at_every_step(steps):
    """Workers begin, count, die and come back under the same number; nothing remembered may be out of date."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        merged = MergedFiles(folder)
        for wanted, dead in steps:
            write(folder, wanted)
            for pid in dead:
                for file in folder.glob(f"gauge_live*_{pid}.db"):
                    file.unlink()

            assert pages(merged) == pages_of_library(folder)


def test_metrics_stand_together_and_buckets_rise(tmp_path):
    """Readers of OpenMetrics ask for that; the order is the same whatever the folder's is."""
    rows = [
        (key("seconds", "seconds_bucket", route="feed", le=le), 1.0, 0.0)
        for le in ("+Inf", "0.5", "2500000.0")
    ]
    write(tmp_path, {"histogram_1.db": [*rows, (key("seconds", "seconds_sum", route="feed"), 7.5, 0.0)]})
    write(tmp_path, {"counter_1.db": [(key("b", "b_total"), 2.0, 0.0), (key("a", "a_total"), 1.0, 0.0)]})

    page = MergedFiles(tmp_path).page().decode()

    assert [line for line in page.splitlines() if not line.startswith("#")] == [
        "a_total 1.0",
        "b_total 2.0",
        'seconds_bucket{le="0.5",route="feed"} 1.0',
        'seconds_bucket{le="2.5e+06",route="feed"} 2.0',
        'seconds_bucket{le="+Inf",route="feed"} 3.0',
        'seconds_count{route="feed"} 3.0',
        'seconds_sum{route="feed"} 7.5',
    ]


def test_files_that_are_just_being_made_cost_nothing(tmp_path):
    """Empty, without a single key, cut in the middle of an entry, or gone: the rest is told."""
    write(tmp_path, {"counter_1.db": [(key("a", "a_total"), 1.0, 0.0)]})
    merged = MergedFiles(tmp_path)
    (tmp_path / "counter_2.db").write_bytes(b"")
    (tmp_path / "counter_3.db").write_bytes(b"\0" * 65536)
    whole = (tmp_path / "counter_1.db").read_bytes()
    (tmp_path / "counter_4.db").write_bytes(struct.pack("i", 40) + whole[4:40])
    (tmp_path / "counter_5.db").write_bytes(struct.pack("i", -9) + whole[4:40])
    (tmp_path / "notes.txt").write_text("no figures")

    assert b"a_total 1.0\n" in merged.page()

    (tmp_path / "counter_1.db").unlink()
    assert merged.page() == b""


@pytest.mark.parametrize("length", [-5, 2**31 - 1])
def test_a_damaged_file_ends_where_it_is_damaged(tmp_path, length):
    """A length that cannot be is no reason to read past the end, or for ever."""
    write(tmp_path, {"counter_1.db": [(key("a", "a_total"), 1.0, 0.0), (key("b", "b_total"), 1.0, 0.0)]})
    data = bytearray((tmp_path / "counter_1.db").read_bytes())
    second = data.index(key("b", "b_total").encode()) - 4
    data[second : second + 4] = struct.pack("i", length)
    (tmp_path / "counter_1.db").write_bytes(data)

    assert MergedFiles(tmp_path).page().splitlines()[-1] == b"a_total 1.0"


def test_a_file_that_took_anothers_place_is_read_anew(tmp_path):
    """A process number is given again; its file has other keys, though it is no shorter."""
    write(tmp_path, {"counter_1.db": [(key("a", "a_total"), 1.0, 0.0)]})
    merged = MergedFiles(tmp_path)
    merged.page()
    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    write(elsewhere, {"counter_1.db": [(key("b", "b_total"), 2.0, 0.0), (key("c", "c_total"), 3.0, 0.0)]})
    shutil.move(elsewhere / "counter_1.db", tmp_path / "counter_1.db")

    assert pages(merged) == pages_of_library(tmp_path)
