"""The network: its sizes are the report's, its scores the plain formula's, its gradient the numerical one."""

from dataclasses import replace

import numpy as np
import pytest

from opsctl.experiments.learners.encoding import inputs_of
from opsctl.experiments.learners.model import Floats
from opsctl.experiments.learners.network import (
    Network,
    NetworkSizes,
    initial_network,
    parts_of,
    prepare,
    score,
)
from opsctl.experiments.learners.network_gradient import Batch, bootstrap_weights, decayed, loss_and_gradient

SMALL = NetworkSizes(width=3, hidden=5, index=2, epinet_hidden=4, prior_hidden=3)


def _network(sizes: NetworkSizes, seed: int = 1) -> Network:
    """Return a network all of whose numbers are other than 0."""
    source = np.random.default_rng(seed)
    network = initial_network(sizes, generator=source)
    network.weights[...] = source.standard_normal(sizes.trainable) * 0.5
    return network


def _batch(sizes: NetworkSizes, count: int = 7, seed: int = 2) -> Batch:
    source = np.random.default_rng(seed)
    return Batch(
        users=source.standard_normal((count, sizes.width)),
        items=source.standard_normal((count, sizes.width)),
        rewards=(source.random(count) < 0.4).astype(np.float64),
        signatures=source.standard_normal((count, sizes.index)),
    )


def _plain(
    network: Network, users: Floats, items: Floats, z: Floats, *, seen: Floats | None = None
) -> Floats:
    """Return f(x, z) as it is written down, pair by pair; `seen` are the weights by which e sees h."""
    sizes, parts = network.sizes, parts_of(network.weights, network.sizes)
    held = parts if seen is None else parts_of(seen, sizes)
    answers = []
    for x in inputs_of(users, items):
        hidden = np.maximum(x @ parts["base_in"] + parts["base_in_bias"], 0)
        base = hidden @ parts["base_out"] + parts["base_out_bias"][0]
        shown = np.maximum(x @ held["base_in"] + held["base_in_bias"], 0)
        inner = np.maximum(np.concatenate([shown, z]) @ parts["epinet_in"] + parts["epinet_in_bias"], 0)
        own = z @ (inner @ parts["epinet_out"] + parts["epinet_out_bias"])
        prior = 0.0
        for k in range(sizes.index):
            columns = slice(k * sizes.prior_hidden, (k + 1) * sizes.prior_hidden)
            prior += z[k] * (np.maximum(x @ network.prior_in[:, columns], 0) @ network.prior_out[k])
        answers.append(base + own + sizes.prior_scale * prior)
    return np.array(answers)


def test_the_sizes_are_those_of_the_report() -> None:
    """2,336 weights that are trained, 3,136 that are not; biases come to the former."""
    sizes = NetworkSizes()
    biases = sum(int(np.prod(shape)) for name, shape in sizes.shapes.items() if name.endswith("_bias"))

    assert (sizes.trainable - biases, biases, sizes.fixed) == (2336, 57, 3136)


def test_scores_are_those_of_the_plain_formula() -> None:
    """The short cut over readers and candidates changes nothing."""
    source, network = np.random.default_rng(3), _network(SMALL)
    users, items = source.standard_normal((4, 3)), source.standard_normal((9, 3))
    candidates = source.integers(0, 9, (4, 6))
    indices = source.standard_normal((4, 2, 2))

    found = score(network, prepare(network, users=users, items=items, candidates=candidates), indices)

    for reader in range(4):
        of_reader = np.repeat(users[reader : reader + 1], 6, axis=0)
        for draw in range(2):
            wanted = _plain(network, of_reader, items[candidates[reader]], indices[reader, draw])
            np.testing.assert_allclose(found[reader, draw], wanted, rtol=1e-12)


def _loss(
    network: Network, batch: Batch, indices: Floats, weights: Floats, decay: float, seen: Floats
) -> float:
    """Return the loss with what e sees of h held fixed."""
    total = 0.0
    for m, z in enumerate(indices):
        logits = _plain(network, batch.users, batch.items, z, seen=seen)
        total += (weights[:, m] * (np.logaddexp(0, logits) - batch.rewards * logits)).sum()
    shrunk = decayed(network)
    return total / weights.size + decay * float(shrunk @ shrunk)


@pytest.mark.parametrize("bootstrap", [True, False])
def test_the_gradient_is_the_numerical_one(bootstrap) -> None:
    """By central differences in every number, of a loss written down plainly, with the gradient stopped at e's input."""
    network, batch = _network(SMALL), _batch(SMALL)
    indices = np.random.default_rng(4).standard_normal((3, 2))
    weights = bootstrap_weights(batch.signatures, indices) if bootstrap else np.ones((7, 3))

    loss, gradient = loss_and_gradient(network, batch, indices=indices, weights=weights, decay=0.01)

    seen, step = network.weights.copy(), 1e-6
    numerical = np.empty_like(gradient)
    for place in range(len(gradient)):
        losses = []
        for sign in (1, -1):
            moved = network.weights.copy()
            moved[place] += sign * step
            losses.append(_loss(replace(network, weights=moved), batch, indices, weights, 0.01, seen))
        numerical[place] = (losses[0] - losses[1]) / (2 * step)
    assert loss == pytest.approx(_loss(network, batch, indices, weights, 0.01, seen), rel=1e-12)
    np.testing.assert_allclose(gradient, numerical, rtol=1e-5, atol=1e-8)


def test_the_gradient_of_the_base_alone_is_the_numerical_one() -> None:
    """The greedy policy's network has no index."""
    sizes = replace(SMALL, index=0)
    network, batch = _network(sizes), _batch(sizes)

    def loss(weights: Floats) -> float:
        return loss_and_gradient(
            replace(network, weights=weights),
            batch,
            indices=np.zeros((1, 0)),
            weights=np.ones((7, 1)),
            decay=0.1,
        )[0]

    _, gradient = loss_and_gradient(
        network, batch, indices=np.zeros((1, 0)), weights=np.ones((7, 1)), decay=0.1
    )

    steps = np.eye(sizes.trainable) * 1e-6
    numerical = [(loss(network.weights + step) - loss(network.weights - step)) / 2e-6 for step in steps]
    np.testing.assert_allclose(gradient, numerical, rtol=1e-5, atol=1e-8)


def test_nothing_flows_from_the_epinet_into_the_base() -> None:
    """Of a batch in which the epinet alone changes, the base's gradient by h is that of its own output."""
    network, batch = _network(SMALL), _batch(SMALL)
    parts = parts_of(network.weights, SMALL)
    parts["base_out"][...] = 0.0  # nothing can reach h through b

    _, gradient = loss_and_gradient(
        network, batch, indices=np.ones((1, 2)), weights=np.ones((7, 1)), decay=0.0
    )

    assert not parts_of(gradient, SMALL)["base_in"].any()
    assert parts_of(gradient, SMALL)["epinet_in"].any()


def test_bootstrap_weights_are_twice_or_nothing_and_even_on_average() -> None:
    """Each index sees half of the data, the opposite index the other half."""
    source = np.random.default_rng(5)
    signatures, indices = source.standard_normal((4000, 8)), source.standard_normal((4, 8))

    weights = bootstrap_weights(signatures, indices)

    assert set(np.unique(weights)) == {0.0, 2.0}
    assert abs(weights.mean() - 1.0) < 0.05
    assert np.array_equal(weights + bootstrap_weights(signatures, -indices), np.full((4000, 4), 2.0))


def test_the_same_generator_gives_the_same_base_with_and_without_an_epinet() -> None:
    """So that what differs between greedy and epinet is the epinet alone."""
    base = initial_network(NetworkSizes(index=0), generator=np.random.default_rng(6))
    whole = initial_network(NetworkSizes(), generator=np.random.default_rng(6))

    assert np.array_equal(base.part("base_in"), whole.part("base_in"))
    assert np.array_equal(base.part("base_out"), whole.part("base_out"))
