"""What must a method keep, and how far may chance take a measurement of it: tolerances and their source.

Of 10,000 experiments with a true rate of 5 % between 4.58 and 5.43 % find something in 95 of 100 certifications
(binomial). A dozen methods with several figures each would then fail somewhere each time by chance alone. So a figure out
of its tolerance is measured again with four times as many further experiments, and all of them together must lie within
the same tolerance, which then leaves chance about one in a hundred thousand, and a method that is wrong no more room.
"""

from scipy import stats

from opsctl.experiments.certify.model import Figure, Promise
from opsctl.experiments.statistics.methods import Method

REPLICATIONS = 10_000
_OF_VERDICTS = {
    Method.VERDICT_FIXED: 2_000,
    Method.VERDICT_GROUP_SEQUENTIAL: 600,
    Method.VERDICT_ALWAYS_VALID: 1_000,
}
"""A whole analysis with all its looks takes a hundred times as long as one test, so there are fewer, and chance has more
room: their bands are those that one in a thousand certifications would leave."""
EXTENSION = 4
"""Times as many further experiments where a figure is out of its tolerance."""
_SIZE = (0.0458, 0.0543)
_COVERAGE = (0.945, 0.955)
_LEAST_UNIFORMITY = 0.001
_POWER_GAP = 0.03
"""The formula is for normal values, and gives power a little off where values are skewed."""


def exact(*, power: bool = True, lift: bool = True) -> tuple[Promise, ...]:
    """Return what a test promises that is right at every sample size."""
    found = [
        Promise(figure=Figure.FALSE_FINDINGS, low=_SIZE[0], high=_SIZE[1]),
        Promise(figure=Figure.UNIFORMITY, low=_LEAST_UNIFORMITY, high=None),
        Promise(figure=Figure.COVERAGE, low=_COVERAGE[0], high=_COVERAGE[1]),
    ]
    if lift:
        found.append(Promise(figure=Figure.LIFT_COVERAGE, low=_COVERAGE[0], high=_COVERAGE[1]))
    if power:
        found.append(Promise(figure=Figure.POWER, low=-_POWER_GAP, high=_POWER_GAP))
    return tuple(found)


def at_most(*, coverage: bool = True) -> tuple[Promise, ...]:
    """Return what a cautious method promises: no more false findings than alpha, no less coverage than 1 - alpha."""
    found = [Promise(figure=Figure.FALSE_FINDINGS, low=None, high=_SIZE[1])]
    if coverage:
        found.append(Promise(figure=Figure.COVERAGE, low=_COVERAGE[0], high=None))
    return tuple(found)


def rate(share: float, *, is_cautious: bool = False) -> tuple[Promise, ...]:
    """Return the promise of a rate other than 5 %: within what chance makes of it in 95 of 100 certifications."""
    low, high = (stats.binom.ppf(tail, REPLICATIONS, share) / REPLICATIONS for tail in (0.025, 0.975))
    return (Promise(figure=Figure.FALSE_FINDINGS, low=None if is_cautious else float(low), high=float(high)),)


def replications_of(method: Method) -> int:
    """Return how many experiments a whole certificate has of each figure."""
    return _OF_VERDICTS.get(method, REPLICATIONS)


def shipping(replications: int, *, alpha: float, power: float) -> tuple[Promise, ...]:
    """Return what whole analyses promise.

    To ship for nothing, or in spite of harm, no more often than alpha / 2 (a two-sided test is as often wrong in the
    direction that is not shipped), and a lift that was planned for at least as often as the plan says.
    """
    rare = float(stats.binom.ppf(0.999, replications, alpha / 2)) / replications
    often = float(stats.binom.ppf(0.001, replications, power)) / replications
    return (
        Promise(figure=Figure.SHIPPED_FOR_NOTHING, low=None, high=rare),
        Promise(figure=Figure.SHIPPED_LIFTS, low=often, high=None),
        Promise(figure=Figure.SHIPPED_HARM, low=None, high=rare),
    )


def loosened(promise: Promise, *, replications: int, whole: int = REPLICATIONS) -> Promise:
    """Return a promise for a short certification: what one in a thousand would miss by chance of fewer experiments."""
    if promise.figure is Figure.UNIFORMITY or replications >= whole:
        return promise
    middle = [each for each in (promise.low, promise.high) if each is not None]
    centre = sum(middle) / len(middle)
    share = min(max(centre if promise.figure is not Figure.POWER else 0.5, 0.001), 0.999)
    slack = 3.3 * (share * (1 - share) / replications) ** 0.5  # z of one in a thousand, two-sided
    return Promise(
        figure=promise.figure,
        low=None if promise.low is None else promise.low - slack,
        high=None if promise.high is None else promise.high + slack,
    )
