"""How do vendors look to a policy: their texts, and embeddings of what can be seen of them."""

from typing import TYPE_CHECKING

import numpy as np

from opsctl.experiments.learners.model import Floats, Ids, Items
from opsctl.experiments.simulator import vocabulary
from opsctl.experiments.simulator.noise import on_exact_grid
from opsctl.experiments.simulator.vendors import Observables

if TYPE_CHECKING:
    from opsctl.embeddings.model import Embedder

_STAR_STEPS = (2.8, 3.3, 3.8, 4.3)


def texts_of(observables: Observables) -> list[str]:
    """Return a text of each vendor, as one would find it in a catalogue; nothing in it that cannot be seen."""
    prices, stars = _steps(np.log(observables.price_usd)), _stars(observables)
    return [
        _text(
            style=int(style),
            traits=[
                vocabulary.trait_word(word // 2, much=word % 2 == 0)
                for word in observables.trait_tags[vendor].tolist()
            ],
            city=int(observables.cities[vendor]),
            price=vocabulary.PRICES[prices[vendor]],
            stars=vocabulary.UNREVIEWED if stars[vendor] < 0 else vocabulary.STARS[stars[vendor]],
        )
        for vendor, style in enumerate(observables.style_tags)
    ]


def usual_items(observables: Observables, *, dimensions: int = 16) -> Items:
    """Return vectors of length 1 made without any model: latent semantic analysis of tags, words, city, price and stars.

    Words are weighed by their inverse frequency and reduced by a singular value decomposition (Deerwester et al., 1990).
    The group of an item is the style that it says it has.
    """
    words = _word_table(observables)
    shares = np.maximum(words.mean(axis=0), 1.0 / len(words))
    weighed = words * np.log(1.0 / shares + 1.0)
    centred = weighed - weighed.mean(axis=0)
    # right singular vectors, the greatest first, by the small matrix of words: far faster than a decomposition of all
    _, directions = np.linalg.eigh(centred.T @ centred)
    size = min(dimensions, directions.shape[1])
    vectors = np.zeros((len(words), dimensions))
    vectors[:, :size] = centred @ _with_fixed_signs(directions[:, ::-1][:, :size])
    return Items(vectors=on_exact_grid(of_length_1(vectors)), groups=observables.style_tags)


def embedded_items(observables: Observables, embedder: "Embedder") -> Items:
    """Return the vectors that an embedder gives to the vendors' texts; groups as in `usual_items`."""
    vectors = np.asarray(embedder.embed(texts_of(observables)), np.float64)
    return Items(vectors=of_length_1(vectors), groups=observables.style_tags)


def of_length_1(vectors: Floats) -> Floats:
    """Return rows of length 1; a row of zeros stays one."""
    scaled: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return scaled


def _text(*, style: int, traits: list[str], city: int, price: str, stars: str) -> str:
    name, *others = vocabulary.style_words(style)
    place = vocabulary.city_name(city)
    return f"{name.capitalize()} photographer in {place}. {', '.join([*traits, *others])}. Prices: {price}; {stars}."


def _word_table(observables: Observables) -> Floats:
    """Return which words stand for which vendor, shape (v, words), 0 or 1."""
    prices, stars = _steps(np.log(observables.price_usd)), _stars(observables) + 1
    parts = [observables.style_tags, observables.cities, prices, stars]
    tables = [np.eye(int(part.max()) + 1)[part] for part in parts]
    traits = np.zeros((len(prices), int(observables.trait_tags.max()) + 1))
    np.put_along_axis(traits, observables.trait_tags, 1.0, axis=1)
    return np.concatenate([*tables, traits], axis=1)


def _steps(values: Floats) -> Ids:
    """Return in which fifth each value lies, 0 to 4."""
    return np.searchsorted(np.quantile(values, [0.2, 0.4, 0.6, 0.8]), values)


def _stars(observables: Observables) -> Ids:
    """Return the step of each vendor's reviews, 0 to 4; -1 without any."""
    known = np.searchsorted(_STAR_STEPS, np.nan_to_num(observables.review_mean, nan=1.0))
    return np.where(observables.review_count > 0, known, -1)


def _with_fixed_signs(vectors: Floats) -> Floats:
    """Return columns whose greatest number is above 0: libraries differ in the signs of such vectors."""
    greatest = np.abs(vectors).argmax(axis=0)
    return vectors * np.where(vectors[greatest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
