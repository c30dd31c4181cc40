"""What does the network say of a reader and an item: `f(x, z) = b(x) + z . e(h(x), z) + alpha z . p(x)`.

The epinet of Osband et al. (arXiv 2107.08924) as ENR uses it (Zhu and Van Roy, arXiv 2306.14834). b is the base network, h its
hidden layer; e is trained too, but its gradient stops at h (`stop_gradient` in their code); p are random networks that are
never trained: they say how different answers may be before anything is known. z is the index: whoever draws one z and
believes f(., z) believes one of the functions that are possible. Sizes are those of the project's report, 4.3:
x = [u, i, u * i] of 48 numbers, h of 32, e of (32 + 8) -> 16 -> 8, eight p of 48 -> 8 -> 1. That makes 2,336 trainable weights
and 3,136 fixed ones. To the trainable ones come 57 biases, because nobody clicks on every second item; p has none.
"""

from dataclasses import dataclass

import numpy as np

from opsctl.experiments.learners.model import Floats, Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSizes:
    """How large the network is; with `index` 0 it is the base network alone.

    Args:
        width: numbers of a reader, and of an item; the input is three times as long.
        hidden: of h.
        index: of z.
        epinet_hidden: of e.
        prior_hidden: of each p.
        prior_scale: alpha.
    """

    width: int = 16
    hidden: int = 32
    index: int = 8
    epinet_hidden: int = 16
    prior_hidden: int = 8
    prior_scale: float = 0.5

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each trainable part, in the order in which they lie in the vector of all."""
        base = {
            "base_in": (3 * self.width, self.hidden),
            "base_in_bias": (self.hidden,),
            "base_out": (self.hidden,),
            "base_out_bias": (1,),
        }
        if not self.index:
            return base
        return base | {
            "epinet_in": (self.hidden + self.index, self.epinet_hidden),
            "epinet_in_bias": (self.epinet_hidden,),
            "epinet_out": (self.epinet_hidden, self.index),
            "epinet_out_bias": (self.index,),
        }

    @property
    def trainable(self) -> int:
        """Return how many numbers are trained, biases included."""
        return sum(int(np.prod(shape)) for shape in self.shapes.values())

    @property
    def fixed(self) -> int:
        """Return how many numbers the random networks have."""
        return self.index * self.prior_hidden * (3 * self.width + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network.

    Args:
        sizes: of its parts.
        weights: shape (trainable,), all that is trained; changed in place by the training.
        prior_in: shape (3 w, index * prior_hidden), of all p side by side.
        prior_out: shape (index, prior_hidden).
    """

    sizes: NetworkSizes
    weights: Floats
    prior_in: Floats
    prior_out: Floats

    def part(self, name: str) -> Floats:
        """Return a view of one trainable part."""
        return parts_of(self.weights, self.sizes)[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What scores of c candidates for b readers have in common whatever z is.

    Args:
        base: shape (b, c), b(x).
        epinet_in: shape (b, c, epinet_hidden), the part of e's hidden layer that comes from h.
        prior_hidden: shape (b, c, index * prior_hidden).
    """

    base: Floats
    epinet_in: Floats
    prior_hidden: Floats


def initial_network(sizes: NetworkSizes, *, generator: np.random.Generator) -> Network:
    """Return a network that knows nothing; the base is the same whether or not it has an epinet, given the generator.

    Weights have variance 1 / inputs. e begins at 0, so that what differs between indices at first is p alone.
    """
    weights = np.zeros(sizes.trainable)
    parts = parts_of(weights, sizes)
    names = ("base_in", "base_out", *(("epinet_in",) if sizes.index else ()))
    for name in names:
        shape = parts[name].shape
        parts[name][...] = generator.standard_normal(shape) / np.sqrt(shape[0])
    inputs = 3 * sizes.width
    return Network(
        sizes=sizes,
        weights=weights,
        prior_in=generator.standard_normal((inputs, sizes.index * sizes.prior_hidden)) / np.sqrt(inputs),
        prior_out=generator.standard_normal((sizes.index, sizes.prior_hidden))
        / np.sqrt(max(1, sizes.prior_hidden)),
    )


def parts_of(vector: Floats, sizes: NetworkSizes) -> dict[str, Floats]:
    """Return views of the trainable parts of a vector, by name."""
    parts, start = {}, 0
    for name, shape in sizes.shapes.items():
        length = int(np.prod(shape))
        parts[name] = vector[start : start + length].reshape(shape)
        start += length
    return parts


def prepare(network: Network, *, users: Floats, items: Floats, candidates: Ids) -> Prepared:
    """Return what is needed to score candidates under any z.

    The input x is never made: `x W = u W_u + i (W_i + u W_ui)`, and what is in brackets is the same for all candidates of a
    reader.

    Args:
        network: at hand.
        users: shape (b, w), encodings.
        items: shape (v, w), encodings of all items.
        candidates: shape (b, c).
    """
    sizes, width = network.sizes, network.sizes.width
    parts = parts_of(network.weights, sizes)
    first = np.concatenate([parts["base_in"], network.prior_in], axis=1)
    by_user = users @ first[:width]
    by_user[:, : sizes.hidden] += parts["base_in_bias"]
    by_item = first[width : 2 * width] + users[:, :, None] * first[2 * width :]
    hidden = items[candidates] @ by_item
    hidden += by_user[:, None, :]
    np.maximum(hidden, 0.0, out=hidden)
    own = hidden[..., : sizes.hidden]
    base = own @ parts["base_out"] + parts["base_out_bias"][0]
    epinet_in = (
        own @ parts["epinet_in"][: sizes.hidden] + parts["epinet_in_bias"]
        if sizes.index
        else np.zeros((*base.shape, 0))
    )
    return Prepared(base=base, epinet_in=epinet_in, prior_hidden=hidden[..., sizes.hidden :])


def score(network: Network, prepared: Prepared, indices: Floats) -> Floats:
    """Return f(x, z), the log-odds of a reward, shape (b, n, c), for n indices a reader, shape (b, n, index)."""
    sizes, parts = network.sizes, parts_of(network.weights, network.sizes)
    hidden = prepared.epinet_in[:, None] + (indices @ parts["epinet_in"][sizes.hidden :])[:, :, None, :]
    np.maximum(hidden, 0.0, out=hidden)
    leading = indices @ parts["epinet_out"].T
    scores: Floats = np.matmul(hidden, leading[..., None])[..., 0]
    scores += (indices @ parts["epinet_out_bias"])[..., None]
    weighted = (sizes.prior_scale * indices[..., None] * network.prior_out).reshape(*indices.shape[:2], -1)
    scores += np.matmul(weighted, prepared.prior_hidden.swapaxes(1, 2))
    scores += prepared.base[:, None, :]
    return scores
