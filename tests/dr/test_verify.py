"""Whatever speaks against a backup is a doubt; what only kept us from looking is no verdict at all."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from tests.dr.manifests import sealed
from tests.fakes.clock import FakeClock

from opsctl.core.errors import (
    FailedError,
    InconclusiveError,
    NotReadyError,
    OpsError,
    RefusedError,
    UsageError,
)
from opsctl.core.events import Event, Listener, PhaseAdvanced, PhaseStarted, ignore
from opsctl.core.findings import Finding, Severity
from opsctl.dr.evidence import verify_evidence
from opsctl.dr.manifest import SealedFile
from opsctl.dr.restore import Done, RestoreReport, Step
from opsctl.dr.verify import Contents, Depth, VerifyReport, VerifyStep, unreadable, verify
from opsctl.evidence.model import Verdict

FILES = (sealed("a", size=300), sealed("b", size=600), sealed("c", size=900))
NAMED = ("manifest", "parent")
DOUBT = Finding(code="DRC064", severity=Severity.ERROR, title="searches differ")
AGAINST_IT = [
    FailedError("it was changed", code="DRC001", why="another digest", fix="look"),
    RefusedError("of another minor version", code="DRC044"),
    InconclusiveError("cannot tell", code="DRC042"),
]
NO_VERDICT = [
    NotReadyError("nobody answers", code="REP005"),
    NotReadyError("no room", code="DRC039"),
    UsageError("no key", code="SEA003"),
]


@dataclass
class Vault:
    """Stored things of which some are damaged."""

    bad: dict[str, OpsError] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)

    def check_stored(self, file: SealedFile, *, listener: Listener) -> None:
        """Read a file."""
        self._read(file.key)
        listener(PhaseAdvanced(subject=file.key, phase="check", advance=file.stored_bytes))

    def check_named(self, key: str) -> int:
        """Read a small thing."""
        self._read(key)
        return 7

    def _read(self, key: str) -> None:
        self.read.append(key)
        if key in self.bad:
            raise self.bad[key]


def report_of(*doubts: Finding) -> RestoreReport:
    """Return what a trial found."""
    steps = (Done(step=Step.START, seconds=2.0, figures={}),)
    return RestoreReport(backup_id="b", target="latest", point=None, steps=steps, doubts=doubts)


def raising(error: OpsError) -> Callable[[], RestoreReport]:
    """Return a trial that fails."""

    def trial() -> RestoreReport:
        raise error

    return trial


def run(
    vault: Vault,
    *,
    trial: Callable[[], RestoreReport] | None = None,
    listener: Listener = ignore,
) -> VerifyReport:
    """Verify a backup of three files and two manifests."""
    contents = Contents(files=FILES, named=NAMED)
    return verify("b", contents=contents, vault=vault, trial=trial, clock=FakeClock(), listener=listener)


def test_everything_that_is_stored_is_read_and_then_it_is_restored():
    """The bytes are those of files and manifests; the steps those of both."""
    vault = Vault()

    report = run(vault, trial=report_of)

    assert vault.read == [*NAMED, *(file.key for file in FILES)]
    assert report.stored_bytes == 600 + 2 * 7
    assert [done.step for done in report.steps] == [VerifyStep.STORED, Step.START]
    assert report.seconds == pytest.approx(2.0, abs=0.1)
    assert (report.is_good, report.depth, report.backup_id) == (True, Depth.RESTORED, "b")


def test_without_a_trial_it_goes_no_deeper_than_the_stored_bytes():
    """And says so."""
    report = run(Vault())

    assert (report.is_good, report.depth) == (True, Depth.STORED)


@pytest.mark.parametrize(("gone", "is_good"), [("parent", True), ("manifest", False), ("a", False)])
def test_only_what_something_else_took_the_place_of_may_be_gone(gone: str, *, is_good: bool):
    """Such as a piece of the log that the archiver has put into a whole segment since the look at the names."""
    contents = Contents(files=FILES, named=NAMED, is_superseded=lambda key: key == "parent")
    vault = Vault({FILES[0].key if gone == "a" else gone: FailedError("it is gone", code="REP003")})

    report = verify("b", contents=contents, vault=vault, trial=None, clock=FakeClock(), listener=ignore)

    assert report.is_good is is_good


@pytest.mark.parametrize("error", AGAINST_IT, ids=lambda error: error.code)
@pytest.mark.parametrize("key", [NAMED[0], NAMED[1], FILES[0].key, FILES[2].key])
def test_each_thing_that_is_damaged_is_a_doubt_and_the_rest_is_read_all_the_same(key: str, error: OpsError):
    """What is known to be damaged is not restored: that would only take time."""
    vault = Vault(bad={key: error})

    def never() -> RestoreReport:
        raise AssertionError("it must not be tried")

    report = run(vault, trial=never)

    assert report.doubts == (error.as_finding(),)
    assert len(vault.read) == 5
    assert (report.is_good, report.depth) == (False, Depth.STORED)


def test_all_that_is_damaged_is_told_at_once():
    """Not only the first."""
    vault = Vault(bad=dict.fromkeys((NAMED[1], FILES[0].key, FILES[1].key), AGAINST_IT[0]))

    assert len(run(vault).doubts) == 3


@pytest.mark.parametrize("error", AGAINST_IT, ids=lambda error: error.code)
def test_a_trial_that_fails_is_a_doubt(error: OpsError):
    """Its own code says which."""
    report = run(Vault(), trial=raising(error))

    assert (report.doubts, report.is_good, report.depth) == ((error.as_finding(),), False, Depth.RESTORED)


@pytest.mark.parametrize("code", ["DRC043", "DRC044", "DRC045", "DRC046"])
def test_where_only_this_host_does_not_fit_nothing_is_said_against_the_backup(code: str):
    """It is not good, and yet the ledger does not say that it is bad; with any other doubt it is."""
    here = run(Vault(), trial=raising(RefusedError("of another kind", code=code)))
    mixed = run(Vault(), trial=lambda: report_of(*here.doubts, DOUBT))
    good = run(Vault(), trial=report_of)

    assert [each.is_good for each in (here, mixed, good)] == [False, False, True]
    assert [each.is_of_this_host for each in (here, mixed, good)] == [True, False, False]
    assert [
        verify_evidence(each, key="k", valid_for=timedelta(days=7)).verdict for each in (here, mixed, good)
    ] == [Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.PASS]


def test_doubts_of_a_trial_are_doubts():
    """One is enough."""
    report = run(Vault(), trial=lambda: report_of(DOUBT))

    assert (report.doubts, report.is_good) == ((DOUBT,), False)


@pytest.mark.parametrize("error", NO_VERDICT, ids=lambda error: error.code)
@pytest.mark.parametrize("key", [None, NAMED[0], FILES[1].key])
def test_what_only_kept_us_from_looking_is_no_verdict(key: str | None, error: OpsError):
    """A network that is down must not make a good backup a bad one."""
    vault = Vault(bad={} if key is None else {key: error})

    with pytest.raises(type(error)) as caught:
        run(vault, trial=raising(error))

    assert caught.value is error


def test_a_disk_that_was_full_says_nothing_against_the_backup():
    """Whichever program or server has met it."""
    error = FailedError("refused", code="DRC048", why="could not write: No space left on device")

    with pytest.raises(NotReadyError) as caught:
        run(Vault(), trial=raising(error))

    assert caught.value.code == "DRC039"


def test_a_bar_can_follow_it():
    """Its end is known before it begins, and reached."""
    heard: list[Event] = []

    run(Vault(), listener=heard.append)

    (started,) = [event for event in heard if isinstance(event, PhaseStarted)]
    assert started.total == sum(event.advance for event in heard if isinstance(event, PhaseAdvanced)) == 600


def test_a_backup_whose_manifest_is_damaged_is_bad():
    """Nothing else of it can be told."""
    report = unreadable("b", why="DRC003 not what its name says", clock=FakeClock())

    assert (report.is_good, [doubt.code for doubt in report.doubts]) == (False, ["DRC063"])
    assert report.doubts[0].evidence == "DRC003 not what its name says"
