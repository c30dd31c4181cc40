"""What if rewards are a linear function of reader, item and their products: Thompson sampling by Bayesian regression.

y = w . [1, u, i, u * i] + noise, with w and the variance of the noise unknown: a normal and inverse gamma prior, as in the
linear baseline of Riquelme et al. (arXiv 1802.09127). There is one posterior for the policy, not one for each item: items
that were never shown are judged by what they are like. The sums X'X and X'y grow with each batch; once a batch, one Cholesky
factor of 49 x 49 numbers is made of them, which is both faster and more exact than one step for each row.
"""

from typing import Self

import numpy as np
from scipy import linalg

from opsctl.experiments.learners.choosing import (
    PROPENSITY_DRAWS,
    Drawing,
    DrawsSlates,
    best,
    check_feedback,
)
from opsctl.experiments.learners.encoding import WIDTH, Encoding, ItemEncodings, encoding_of, inputs_of
from opsctl.experiments.learners.model import Contexts, Feedback, Floats, Ids, Items

KIND = "linear_ts"
_ROWS_AT_ONCE = 8192


class LinearThompsonPolicy(DrawsSlates):
    """Draws one w for each feed from the posterior, and shows what it likes best.

    Args:
        encoding: of readers and items.
        ridge: precision of w before anything is known, in units of the noise's.
        noise_shape: a of the inverse gamma prior of the noise's variance.
        noise_scale: b of it; b / (a - 1) is its mean, at the usual values the 0.25 of a coin.
        forgetting: g, from 0 to 1; before each batch all that was learned counts g times; 1 forgets nothing.
        propensity_draws: slates drawn to know propensities.
    """

    name = KIND

    def __init__(
        self,
        encoding: Encoding,
        *,
        ridge: float = 1.0,
        noise_shape: float = 6.0,
        noise_scale: float = 1.25,
        forgetting: float = 1.0,
        propensity_draws: int = PROPENSITY_DRAWS,
    ) -> None:
        self.encoding = encoding
        self.ridge, self.noise_shape, self.noise_scale = ridge, noise_shape, noise_scale
        self.forgetting = forgetting
        self.propensity_draws = propensity_draws
        size = 1 + 3 * encoding.width
        self._items = ItemEncodings(encoding)
        self._squares = np.zeros((size, size))
        self._products = np.zeros(size)
        self._totals = np.zeros(2)  # number of rewards, and the sum of their squares
        self._settle()

    @classmethod
    def new(
        cls,
        items: Items,
        *,
        width: int = WIDTH,
        forgetting: float = 1.0,
        propensity_draws: int = PROPENSITY_DRAWS,
    ) -> Self:
        """Return the policy before it has learned anything."""
        encoding = encoding_of(items.vectors, width=width)
        return cls(encoding, forgetting=forgetting, propensity_draws=propensity_draws)

    @property
    def state_bytes(self) -> int:
        """Return the size of the sums."""
        return self._squares.nbytes + self._products.nbytes + self._totals.nbytes

    @property
    def mean(self) -> Floats:
        """Return the posterior mean of w: 1, then reader, item, products."""
        mean: Floats = self._mean
        return mean

    def covariance(self) -> Floats:
        """Return the posterior covariance of w, given the mean of the noise's variance."""
        inverse: Floats = linalg.cho_solve((self._factor, True), np.eye(len(self._mean)))
        return inverse * self._rate / (self._shape - 1.0)

    def learn(self, feedback: Feedback, *, generator: np.random.Generator) -> None:  # noqa: ARG002
        """Add the batch to the sums, and make the posterior anew."""
        check_feedback(feedback)
        self._squares *= self.forgetting
        self._products *= self.forgetting
        self._totals *= self.forgetting
        items = self._items.of(feedback.all_items)
        for start in range(0, len(feedback.rewards), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            inputs = inputs_of(self.encoding.encode(feedback.user_vectors[rows]), items[feedback.items[rows]])
            inputs = np.concatenate([np.ones((len(inputs), 1)), inputs], axis=1)
            rewards = feedback.rewards[rows]
            self._squares += inputs.T @ inputs
            self._products += inputs.T @ rewards
            self._totals += np.array([len(rewards), rewards @ rewards])
        self._settle()

    def _drawing(self, contexts: Contexts, size: int) -> Drawing:
        users, items = self.encoding.encode(contexts.user_vectors), self._items.of(contexts.items)
        width = self.encoding.width

        def draw(rows: slice, *, draws: int, generator: np.random.Generator) -> Ids:
            count = rows.stop - rows.start
            drawn = self._drawn(count * draws, generator).reshape(count, draws, -1)
            # 1 and u are the same for all candidates of a reader, and order nothing
            plain, product = drawn[..., 1 + width : 1 + 2 * width], drawn[..., 1 + 2 * width :]
            by_item = plain + product * users[rows, None, :]
            return best(by_item @ items[contexts.candidates[rows]].swapaxes(1, 2), size)

        return Drawing(contexts=contexts, size=size, draw=draw, floats=width, floats_a_draw=1)

    def _settle(self) -> None:
        """Make the posterior of the sums."""
        precision = self._squares + self.ridge * np.eye(len(self._products))
        self._factor = linalg.cholesky(precision, lower=True)
        self._mean = linalg.cho_solve((self._factor, True), self._products)
        rest = max(0.0, float(self._totals[1] - self._mean @ self._products))
        self._shape = self.noise_shape + 0.5 * float(self._totals[0])
        self._rate = self.noise_scale + 0.5 * rest

    def _drawn(self, count: int, generator: np.random.Generator) -> Floats:
        """Return draws of w, shape (count, 49)."""
        variances = self._rate / generator.standard_gamma(self._shape, count)
        noise = generator.standard_normal((len(self._mean), count))
        drawn: Floats = linalg.solve_triangular(self._factor, noise, lower=True, trans="T").T
        drawn *= np.sqrt(variances)[:, None]
        drawn += self._mean
        return drawn
