"""How far is the network from what was seen, and which way leads nearer: the loss and its gradient, written by hand."""

from dataclasses import dataclass

import numpy as np

from opsctl.experiments.learners.encoding import inputs_of
from opsctl.experiments.learners.model import Floats
from opsctl.experiments.learners.network import Network, NetworkSizes, parts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Pairs that are trained on together.

    Args:
        users: shape (n, w), encodings.
        items: shape (n, w).
        rewards: shape (n,), from 0 to 1.
        signatures: shape (n, index), drawn once for each pair; `bootstrap_weights` makes weights of them.
    """

    users: Floats
    items: Floats
    rewards: Floats
    signatures: Floats


def bootstrap_weights(signatures: Floats, indices: Floats) -> Floats:
    """Return how much each pair counts under each index, shape (n, m): twice or not at all, by the sign of g . z.

    Each index so sees its own half of the data, always the same one (`BernoulliWeights` of the reference code).
    """
    weights: Floats = np.where(signatures @ indices.T > 0, 2.0, 0.0)
    return weights


def loss_and_gradient(
    network: Network, batch: Batch, *, indices: Floats, weights: Floats, decay: float
) -> tuple[float, Floats]:
    """Return `1/(n m) sum c BCE(sigmoid(f(x, z)), y) + decay ||w||^2` and its gradient by the trainable vector.

    e sees h, but h does not hear of e: the gradient stops there. It is therefore not the derivative of the loss by the
    base's weights, but that of the loss in which h, as e's input, is a constant.

    Args:
        network: at hand; one without an index is trained by b(x) alone.
        batch: n pairs.
        indices: shape (m, index).
        weights: shape (n, m), c; shape (n, 1) without an index.
        decay: on weights and biases but that of the output, which says how often there is a reward at all.
    """
    sizes = network.sizes
    parts = parts_of(network.weights, sizes)
    inputs = inputs_of(batch.users, batch.items)
    hidden = np.maximum(inputs @ parts["base_in"] + parts["base_in_bias"], 0.0)
    logits: Floats = (hidden @ parts["base_out"] + parts["base_out_bias"][0])[:, None]
    epinet = _epinet(parts, hidden, indices, sizes) if sizes.index else None
    if epinet is not None:
        logits = logits + epinet.logits + sizes.prior_scale * _priors(network, inputs) @ indices.T
    loss, by_logits = _cross_entropy(logits, batch.rewards, weights)
    gradient = np.zeros_like(network.weights)
    by = parts_of(gradient, sizes)
    _base_gradient(by, parts, inputs=inputs, hidden=hidden, by_output=by_logits.sum(axis=1))
    if epinet is not None:
        _epinet_gradient(by, epinet, hidden=hidden, indices=indices, by_logits=by_logits)
    shrunk = decayed(network)
    return loss + decay * float(shrunk @ shrunk), gradient + 2.0 * decay * shrunk


def decayed(network: Network) -> Floats:
    """Return the trainable vector with 0 in place of what is not pulled towards 0."""
    shrunk = network.weights.copy()
    parts_of(shrunk, network.sizes)["base_out_bias"][...] = 0.0
    return shrunk


@dataclass(frozen=True, slots=True, kw_only=True)
class _Epinet:
    """What e makes of pairs under indices.

    Args:
        hidden: shape (n, m, epinet_hidden).
        leading: shape (m, epinet_hidden), what its hidden layer counts in z . e.
        logits: shape (n, m), z . e.
    """

    hidden: Floats
    leading: Floats
    logits: Floats


def _epinet(parts: dict[str, Floats], hidden: Floats, indices: Floats, sizes: NetworkSizes) -> _Epinet:
    by_pair = hidden @ parts["epinet_in"][: sizes.hidden] + parts["epinet_in_bias"]
    by_index = indices @ parts["epinet_in"][sizes.hidden :]
    own = np.maximum(by_pair[:, None] + by_index, 0.0)
    leading = indices @ parts["epinet_out"].T
    logits = (own * leading).sum(axis=2) + indices @ parts["epinet_out_bias"]
    return _Epinet(hidden=own, leading=leading, logits=logits)


def _epinet_gradient(
    by: dict[str, Floats], epinet: _Epinet, *, hidden: Floats, indices: Floats, by_logits: Floats
) -> None:
    by_hidden = by_logits[:, :, None] * epinet.leading * (epinet.hidden > 0)
    width = hidden.shape[1]
    by["epinet_in"][:width] = hidden.T @ by_hidden.sum(axis=1)
    by["epinet_in"][width:] = indices.T @ by_hidden.sum(axis=0)
    by["epinet_in_bias"][...] = by_hidden.sum(axis=(0, 1))
    by["epinet_out"][...] = (by_logits[:, :, None] * epinet.hidden).sum(axis=0).T @ indices
    by["epinet_out_bias"][...] = indices.T @ by_logits.sum(axis=0)


def _priors(network: Network, inputs: Floats) -> Floats:
    """Return p(x), shape (n, index)."""
    hidden = np.maximum(inputs @ network.prior_in, 0.0).reshape(len(inputs), *network.prior_out.shape)
    answers: Floats = (hidden * network.prior_out).sum(axis=2)
    return answers


def _cross_entropy(logits: Floats, rewards: Floats, weights: Floats) -> tuple[float, Floats]:
    """Return the mean weighted loss and its derivative by the logits, without overflow at either end."""
    count = logits.size
    wanted = rewards[:, None]
    losses = np.logaddexp(0.0, logits) - wanted * logits
    shares = 0.5 * (1.0 + np.tanh(0.5 * logits))
    return float((weights * losses).sum() / count), weights * (shares - wanted) / count


def _base_gradient(
    by: dict[str, Floats], parts: dict[str, Floats], *, inputs: Floats, hidden: Floats, by_output: Floats
) -> None:
    by["base_out"][...] = hidden.T @ by_output
    by["base_out_bias"][...] = by_output.sum()
    by_hidden = by_output[:, None] * parts["base_out"] * (hidden > 0)
    by["base_in"][...] = inputs.T @ by_hidden
    by["base_in_bias"][...] = by_hidden.sum(axis=0)
