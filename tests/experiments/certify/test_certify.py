"""A certificate says what was measured of a method, of exactly the code that was measured, and a broken promise shows."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from opsctl import experiments
from opsctl.core.errors import RefusedError
from opsctl.experiments.certify.code import UNBOUND, bound_files, code_digest, versions_here
from opsctl.experiments.certify.document import from_document, id_of, to_document
from opsctl.experiments.certify.kept import require_certified, valid
from opsctl.experiments.certify.model import Certificate, Figure, Measured, Null, Planted, Promise
from opsctl.experiments.certify.promises import REPLICATIONS, exact, loosened, rate, replications_of, shipping
from opsctl.experiments.certify.run import all_trials, certify
from opsctl.experiments.metric_book import Role
from opsctl.experiments.statistics.methods import Method
from opsctl.experiments.verdict import Shown, Verdict, judge

SHORT = 300


@pytest.mark.slow
@pytest.mark.parametrize("method", list(Method))
def test_every_method_keeps_its_promises_in_a_short_certification(method: Method) -> None:
    """With tolerances that one in a thousand would miss by chance; the whole one has 10,000 experiments."""
    count = SHORT * replications_of(method) // REPLICATIONS

    certificate = certify(all_trials()[method], replications=count)

    broken = [figure for figure in certificate.figures if not figure.is_kept]
    assert broken == []


@dataclass(frozen=True)
class Careless:
    """A method that takes the standard error 20 % too small."""

    method: Method = Method.MEAN
    promises: tuple[Promise, ...] = exact(power=False, lift=False)

    def null(self, generator: np.random.Generator, replications: int) -> Null:
        """Find 10 % where nothing is."""
        from scipy import stats

        p_values = 2 * stats.norm.sf(np.abs(1.25 * generator.standard_normal(replications)))
        return Null(found=(p_values < 0.05).astype(float), p_values=p_values)

    def planted(self, generator: np.random.Generator, replications: int) -> Planted:
        """Cover 88 %."""
        covered = np.abs(1.25 * generator.standard_normal(replications)) < 1.96
        return Planted(found=covered, covered=covered)


def test_a_careless_method_breaks_every_promise_also_of_the_longer_run() -> None:
    """False findings, uniformity and coverage; four times as many experiments do not help it."""
    certificate = certify(Careless())

    assert not certificate.is_green
    assert [figure.is_kept for figure in certificate.figures] == [False, False, False]
    assert {figure.replications for figure in certificate.figures} == {5 * REPLICATIONS}


@dataclass
class Unlucky:
    """A right method whose first run finds a little too much, as happens to one in twenty."""

    method: Method = Method.MEAN
    promises: tuple[Promise, ...] = exact(power=False, lift=False)[:1]
    done: int = 0

    def null(self, generator: np.random.Generator, replications: int) -> Null:
        """Find 5.5 % in the first 10,000, and 5 % afterwards."""
        del generator
        share = 0.055 if self.done < REPLICATIONS else 0.05
        self.done += replications
        return Null(found=(np.arange(replications) < share * replications).astype(float))

    def planted(self, generator: np.random.Generator, replications: int) -> None:
        """Promise nothing else."""


def test_a_method_that_was_only_unlucky_is_measured_again_and_certified() -> None:
    """All experiments together lie within the same tolerance."""
    certificate = certify(Unlucky())

    assert certificate.is_green
    assert certificate.figures[0].value == pytest.approx(0.051, abs=0.001)


def test_the_same_seed_gives_the_same_certificate() -> None:
    """And the same id; another seed another one."""
    trial = all_trials()[Method.RATIO]

    first, again, other = (
        certify(trial, replications=50),
        certify(trial, replications=50),
        certify(trial, replications=50, seed=3),
    )

    assert id_of(first) == id_of(again) != id_of(other)


def whole(method: Method = Method.MEAN, **changes: object) -> Certificate:
    """Return a certificate of this code that counts."""
    figure = Measured(
        figure=Figure.FALSE_FINDINGS,
        value=0.05,
        low=0.0458,
        high=0.0543,
        replications=REPLICATIONS,
        is_kept=True,
    )
    certificate = Certificate(
        method=method, figures=(figure,), seed=1, code=code_digest(), versions={"numpy": "2"}, seconds=1.0
    )
    return replace(certificate, **changes)  # type: ignore[arg-type]


def test_a_certificate_counts_only_whole_green_and_of_this_code() -> None:
    """A newer one that does not count leaves the older one in its place."""
    short = replace(whole().figures[0], replications=SHORT)
    red = replace(whole().figures[0], is_kept=False)

    assert valid([whole()]) == {Method.MEAN: whole()}
    assert valid([whole(code="0" * 64), whole(figures=(short,)), whole(figures=(red,))]) == {}
    assert valid([whole(), whole(code="0" * 64)]) == {Method.MEAN: whole()}
    assert valid([whole(), whole(figures=(red,))]) == {}, (
        "what broke its promise here is not certified by the release"
    )
    assert valid([whole(figures=(red,)), whole()]) == {Method.MEAN: whole()}
    assert valid([whole(figures=())]) == {}


def test_a_method_without_a_certificate_is_refused_with_the_command_that_makes_one() -> None:
    """Before anything is analysed."""
    held = valid([whole()])

    assert require_certified([Method.MEAN], held) == {"mean": id_of(whole())}
    with pytest.raises(RefusedError) as refused:
        require_certified([Method.MEAN, Method.SRM, Method.RATIO], held)
    assert (refused.value.code, refused.value.fix) == ("EXP140", "opsctl experiments certify srm ratio")


def test_a_certificate_is_read_back_as_it_was_written() -> None:
    """Figure by figure; what is none is refused."""
    certificate = certify(all_trials()[Method.SRM], replications=50)

    again = from_document(to_document(certificate))

    assert id_of(again) == id_of(certificate)
    with pytest.raises(ValueError, match="no certificate"):
        from_document({"method": "mean"})


def test_tolerances_are_those_of_ten_thousand_experiments() -> None:
    """The band of chance for 5 %, for 0.1 %, and a wider one for fewer experiments."""
    size = exact()[0]
    one_in_a_thousand = rate(0.001)[0]

    assert (size.low, size.high) == (0.0458, 0.0543)
    assert (one_in_a_thousand.low, one_in_a_thousand.high) == (0.0004, 0.0017)
    assert loosened(size, replications=SHORT).holds(0.08)
    assert not loosened(size, replications=SHORT).holds(0.12)


def test_bands_of_whole_analyses_are_those_that_one_in_a_thousand_would_leave():
    """Of 2,000 experiments in which 2.5 % may ship for nothing, and 80 % must ship what was planned for."""
    nothing, lift, harm = shipping(2_000, alpha=0.05, power=0.8)

    assert (nothing.low, nothing.high) == (None, 0.0365)
    assert (lift.low, lift.high) == (0.772, None)
    assert harm.high == nothing.high


def test_a_short_certificate_of_whole_analyses_does_not_count():
    """A whole one has fewer experiments than that of a single test, and no fewer than that."""
    method = Method.VERDICT_GROUP_SEQUENTIAL
    figure = replace(whole().figures[0], figure=Figure.SHIPPED_FOR_NOTHING)
    enough, short = (
        whole(method, figures=(replace(figure, replications=count),))
        for count in (replications_of(method), replications_of(method) - 1)
    )

    assert set(valid([enough])) == {method}
    assert valid([short]) == {}


def test_a_certificate_is_of_everything_that_an_analysis_computes_with():
    """Whatever module of experiments `analyse` draws in is bound by the digest."""
    script = "import sys, opsctl.experiments.analysis.run; print('\\n'.join(m.__file__ for m in list(sys.modules.values()) if m.__name__.startswith('opsctl.experiments.')))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    bound = {path for _, path in bound_files()}
    root = Path(experiments.__path__[0])
    loaded = {Path(line) for line in found.split()}
    assert {path for path in loaded if path.name != "__init__.py"} <= bound | {
        root / name for name in UNBOUND
    }
    assert len(loaded) > 20


@pytest.mark.parametrize("name", ["statistics/srm.py", "analysis/rules.py", "verdict.py", "book.py"])
def test_another_byte_of_any_of_it_is_other_code(name: str, tmp_path: Path) -> None:
    """A comment, too."""
    before, files = code_digest(), dict(bound_files())
    changed = tmp_path / "changed.py"
    changed.write_bytes(files[name].read_bytes() + b"# another word\n")

    assert code_digest(files.items()) == before
    assert code_digest((files | {name: changed}).items()) != before


def test_a_certificate_names_the_libraries_that_computed_it():
    """In the record of the ledger, too."""
    from datetime import UTC, datetime

    from opsctl.experiments.certify.document import certificate_evidence

    certificate = certify(all_trials()[Method.HOLM], replications=20)
    record = certificate_evidence(certificate, started_at=datetime(2026, 1, 1, tzinfo=UTC))

    assert certificate.versions == versions_here()
    assert set(record.tools) == {"numpy", "scipy"}
    assert record.inputs == {"code": code_digest()}


@pytest.mark.slow
def test_an_analysis_that_forgets_its_guardrails_breaks_the_promise_about_harm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What each method keeps by itself says nothing of what is made of all of them."""
    from opsctl.experiments.analysis import run

    def careless(shown: Sequence[Shown], **rest: Any) -> Verdict:
        return judge([each for each in shown if each.role is not Role.GUARDRAIL], **rest)

    monkeypatch.setattr(run, "judge", careless)

    certificate = certify(all_trials()[Method.VERDICT_FIXED], replications=40)

    broken = [figure.figure for figure in certificate.figures if not figure.is_kept]
    assert broken == [Figure.SHIPPED_HARM]
