"""A certificate says what was measured of a method, of exactly the code that was measured, and a broken promise shows."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from opsctl.core.errors import RefusedError
from opsctl.experiments.certify.document import from_document, id_of, to_document
from opsctl.experiments.certify.kept import require_certified, valid
from opsctl.experiments.certify.model import Certificate, Figure, Measured, Null, Planted, Promise
from opsctl.experiments.certify.promises import REPLICATIONS, exact, loosened, rate
from opsctl.experiments.certify.run import all_trials, certify, code_digest
from opsctl.experiments.statistics.methods import Method

SHORT = 300


@pytest.mark.parametrize("method", list(Method))
def test_every_method_keeps_its_promises_in_a_short_certification(method: Method) -> None:
    """With tolerances that one in a thousand would miss by chance; the whole one has 10,000 experiments."""
    certificate = certify(all_trials()[method], replications=SHORT)

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
