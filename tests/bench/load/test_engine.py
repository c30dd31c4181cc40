import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bench.load.sending import (
    assert_every_arrival_has_one_outcome,
    blocking_parts,
    broken_parts,
    failing_parts,
    job_of,
    parts_that_only_the_first_gets,
    run,
)
from tests.fakes.faulty_server import FaultyServer, faulty_server

from opsctl.bench.load.ports import Address
from opsctl.bench.load.tally import Frame
from opsctl.core.errors import NotReadyError


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyServer]:
    """Return a server for all tests of this file."""
    with faulty_server() as running:
        yield running


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a certificate for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=test",
    ]
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run([*words, *names, *files], check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "certificate.pem").read_text())
    return both


@pytest.mark.slow
def test_processes_share_a_plan_and_their_tallies_join(server: FaultyServer) -> None:
    """Two processes send each arrival of the plan once between them, and every frame of both reaches the watcher."""
    frames: list[Frame] = []
    before = server.seen["/joined"]

    def hear(frame: Frame) -> str:
        frames.append(frame)
        return ""

    result = run(
        job_of(server.port, "/joined", rate=200, seconds=1.5, processes=2, limits={"connections": 4}),
        watch=hear,
    )

    assert result.total.planned == result.total.sent == server.seen["/joined"] - before == 300
    assert result.total.outcomes == {"ok": 300}
    assert_every_arrival_has_one_outcome(result.total)
    assert {frame.process for frame in frames} == {0, 1}
    assert sum(frame.is_last for frame in frames) == 2
    assert (result.seconds, result.errors, result.aborted) == (1.5, (), "")
    assert sum(block.planned for block in result.total.blocks.values()) == 300
    assert result.total.blocks[0].planned == 200
    assert result.resident_bytes > 10_000_000
    assert 0 < result.cpu_cores < 3


@pytest.mark.slow
def test_a_watcher_ends_a_run_early_with_its_reason(server: FaultyServer) -> None:
    """What was not due yet is not planned any more, and the length of the run is how long it went on."""
    result = run(
        job_of(server.port, "/ok", seconds=60), watch=lambda frame: "too slow" if frame.seconds > 0.5 else ""
    )

    assert result.aborted == "too slow"
    assert 0.5 < result.seconds < 30
    assert result.total.planned < 4000
    assert_every_arrival_has_one_outcome(result.total)


@pytest.mark.slow
def test_ctrl_c_ends_the_run_and_keeps_its_result(server: FaultyServer) -> None:
    """An interrupt stops the sending processes, and what they recorded until then is the result."""

    def interrupt(frame: Frame) -> str:
        if not frame.is_last:
            os.kill(os.getpid(), signal.SIGINT)
        return ""

    result = run(job_of(server.port, "/ok", seconds=60), watch=interrupt)

    assert result.aborted == "interrupted"
    assert result.total.outcomes["ok"] > 0


@pytest.mark.slow
def test_who_counts_interrupts_hears_of_the_first_one_too(server: FaultyServer) -> None:
    """The command says what the first one does, and that the second one ends at once."""
    heard: list[int] = []

    def interrupt(frame: Frame) -> str:
        if not heard and not frame.is_last:
            signal.raise_signal(signal.SIGINT)
        return ""

    before = signal.signal(signal.SIGINT, lambda number, _frame: heard.append(number))
    try:
        result = run(job_of(server.port, "/ok", seconds=60), watch=interrupt)
    finally:
        signal.signal(signal.SIGINT, before)

    assert (result.aborted, heard) == ("interrupted", [signal.SIGINT])


@pytest.mark.slow
def test_a_sending_process_that_dies_is_an_error_of_the_run(server: FaultyServer) -> None:
    """The run ends early, and says which process ended how."""
    killed: list[int] = []

    def kill(frame: Frame) -> str:
        if not killed:
            children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
            killed.extend(int(child) for child in children if _is_sender(int(child)))
            os.kill(killed[0], signal.SIGKILL)
        return ""

    result = run(job_of(server.port, "/ok", seconds=60, processes=2), watch=kill)

    assert len(killed) == 2
    assert len(result.errors) == 1
    assert "ended with -9" in result.errors[0]
    assert result.aborted == "a sending process gave up"
    assert not any(Path(f"/proc/{each}").exists() for each in killed)


def test_a_fault_of_the_checks_is_no_fault_of_the_service(server: FaultyServer) -> None:
    """An error inside the sender ends the run with its name, instead of being counted as broken answers."""
    result = run(job_of(server.port, "/ok", seconds=60), parts=failing_parts)

    assert result.errors == ("sending process 0: LookupError: a fault in the checks",)
    assert result.aborted == "a sending process gave up"


def test_a_process_that_cannot_begin_says_why(server: FaultyServer) -> None:
    """Nothing is sent, and the last words of the process are in the error."""
    with pytest.raises(NotReadyError) as raised:
        run(job_of(server.port, "/ok"), parts=broken_parts)

    assert raised.value.code == "BEN020"
    assert "a fault before the start" in str(raised.value.why)


@pytest.mark.slow
def test_one_process_that_cannot_begin_ends_the_others_at_once(server: FaultyServer, tmp_path: Path) -> None:
    """They are not waited for until the time for preparing is over."""
    began = time.monotonic()
    with pytest.raises(NotReadyError) as raised:
        run(
            replace(job_of(server.port, "/ok", processes=2), folder=tmp_path),
            parts=parts_that_only_the_first_gets,
        )

    assert raised.value.code == "BEN020"
    assert "FileExistsError" in str(raised.value.why)
    assert time.monotonic() - began < 60


@pytest.mark.slow
def test_a_target_that_is_not_there_is_named_before_anything_is_sent() -> None:
    """Without one connection there is no run."""
    with faulty_server() as gone:
        port = gone.port

    with pytest.raises(NotReadyError) as raised:
        run(job_of(port, "/ok"))

    assert (raised.value.code, raised.value.why) == ("BEN021", "connection refused")


@pytest.mark.slow
def test_a_sender_that_is_held_up_shows_as_generator_lag_and_not_as_service_time(
    server: FaultyServer,
) -> None:
    """Time during which the sender itself could not start requests is its own, and is told apart."""
    result = run(job_of(server.port, "/ok", rate=200, seconds=1.0), parts=blocking_parts)

    timings = result.total.timings
    assert timings.generator_lag.value_at(0.99) > 60_000
    assert timings.generator_lag.value_at(0.99) > 10 * timings.queue_wait.value_at(0.99)
    assert_every_arrival_has_one_outcome(result.total)


@pytest.mark.slow
def test_tls_with_a_certificate_of_its_own(certificate: Path) -> None:
    """A target whose certificate the book names is reached over TLS; without it, that is the reason given."""
    with faulty_server(certificate=certificate) as server:
        trusted = Address(host="127.0.0.1", port=server.port, is_tls=True, ca_file=certificate)
        unknown = Address(host="127.0.0.1", port=server.port, is_tls=True)

        result = run(job_of(server.port, "/ok", address=trusted, limits={"connections": 4}))
        with pytest.raises(NotReadyError) as raised:
            run(job_of(server.port, "/ok", address=unknown, limits={"connections": 4}))

    assert result.total.outcomes == {"ok": 30}
    assert raised.value.code == "BEN022"
    assert "self-signed" in str(raised.value.why)


@pytest.mark.slow
def test_a_target_with_an_ipv6_address() -> None:
    """`::1` is a target as any other."""
    with faulty_server(host="::1") as server:
        result = run(job_of(server.port, "/ok", host="::1", limits={"connections": 4}))

    assert result.total.outcomes == {"ok": 30}


@pytest.mark.slow
def test_a_closed_loop_sends_as_fast_as_it_is_answered(server: FaultyServer) -> None:
    """Each of three callers waits for its answer before it asks again, so that nothing ever queues."""
    server.delays = iter(lambda: 0.02, None)
    job = job_of(server.port, "/slow", rate=1, seconds=0.6, loop="closed", limits={"connections": 3})

    began = time.monotonic()
    result = run(job)
    took = time.monotonic() - began

    assert 3 <= result.total.planned <= 3 * (0.6 / 0.02 + 1)
    assert result.total.timings.response == result.total.timings.service
    assert result.total.timings.queue_wait.largest_microseconds == 0
    assert_every_arrival_has_one_outcome(result.total)
    assert took < 30


def _is_sender(process: int) -> bool:
    return b"opsctl.bench.load.sending_process" in Path(f"/proc/{process}/cmdline").read_bytes()
