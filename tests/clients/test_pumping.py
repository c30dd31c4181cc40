"""A pump from a reader into a writer is something to iterate over, and its errors are told from those of the source."""

import threading

import pytest

from opsctl.clients.pumping import PumpError, Reader, Writer, pumped


def _copy(reader: Reader, writer: Writer) -> None:
    while piece := reader.read(10):
        writer.write(piece)
    writer.flush()


def _threads() -> int:
    return sum(thread.name == "pump" for thread in threading.enumerate())


def test_what_the_pump_writes_comes_out() -> None:
    """Reads are of the size that it asks for, or smaller at the end of a piece."""
    assert list(pumped([b"x" * 25, b"", b"y"], pump=_copy)) == [b"x" * 10, b"x" * 10, b"x" * 5, b"y"]


def test_a_pump_that_reads_everything_at_once_gets_what_there_is() -> None:
    """Without a size it is given a whole piece."""
    assert list(
        pumped([b"abc"], pump=lambda reader, writer: writer.write(reader.read() + reader.read()))
    ) == [b"abc"]


def test_a_pump_that_ends_early_ends_the_iteration() -> None:
    """What it does not read is not waited for, though there is no end of it."""
    taken: list[int] = []

    def endless() -> "object":
        while True:
            taken.append(1)
            yield bytes(1024 * 1024)

    assert list(pumped(endless(), pump=lambda _, writer: writer.write(b"enough"))) == [b"enough"]  # type: ignore[arg-type]
    assert len(taken) < 10


def test_an_error_of_the_pump_comes_behind_what_it_wrote() -> None:
    """It is the cause of a PumpError, so nobody takes it for one of the source."""

    def fail(reader: Reader, writer: Writer) -> None:
        writer.write(reader.read())
        raise OSError("the pump broke")

    pieces = pumped([b"abc"], pump=fail)

    assert next(pieces) == b"abc"
    with pytest.raises(PumpError, match="the pump broke") as caught:
        next(pieces)
    assert isinstance(caught.value.__cause__, OSError)
    assert _threads() == 0


def test_a_consumer_that_stops_ends_the_pump() -> None:
    """Wherever it stands."""
    pieces = pumped((b"x" for _ in range(1_000_000)), pump=_copy)
    assert next(pieces) == b"x"
    assert _threads() == 1

    del pieces

    assert _threads() == 0


def test_a_slow_pump_holds_its_source_back() -> None:
    """No more is taken than fits between the two."""
    may_go_on = threading.Event()
    taken: list[int] = []

    def source() -> "object":
        for _ in range(50):
            taken.append(1)
            yield bytes(1024 * 1024)
        may_go_on.set()

    def slow(reader: Reader, writer: Writer) -> None:
        threading.Timer(0.2, may_go_on.set).start()
        may_go_on.wait(timeout=10)
        writer.write(b"%d" % len(taken))
        while reader.read():
            pass

    (ahead,) = pumped(source(), pump=slow)  # type: ignore[arg-type]

    assert int(ahead) <= 5
