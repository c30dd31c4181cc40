"""The generated marketplace: the same every time, uneven like a real one, and without a broken item."""

import subprocess
import sys
from collections import Counter
from itertools import islice

import pytest

from opsctl.catalog.generate import generate_items, preview_items


def test_a_smaller_catalogue_is_the_beginning_of_a_larger_one() -> None:
    """Growing a catalogue adds items and changes none."""
    assert list(generate_items(500, seed=4)) == list(islice(generate_items(5000, seed=4), 500))


def test_another_process_makes_the_same_items() -> None:
    """No hash, clock or environment plays a part."""
    code = "from opsctl.catalog.generate import generate_items as g; print(list(g(40, seed=2)))"

    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "src", "PYTHONIOENCODING": "utf-8"},
            encoding="utf-8",
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert said == {str(list(generate_items(40, seed=2)))}


def test_another_seed_makes_other_items() -> None:
    """The seed is used."""
    assert list(generate_items(20, seed=1)) != list(generate_items(20, seed=2))


def test_regions_and_categories_are_uneven_with_the_known_ones_at_the_top() -> None:
    """Zipf: the largest region has more than twice the third; photographers are the largest category."""
    items = list(generate_items(20_000, seed=1))
    regions = Counter(item.region for item in items).most_common()
    categories = Counter(item.category for item in items).most_common()

    assert [name for name, _ in regions[:2]] == ["US", "AU"]
    assert regions[0][1] > 2 * regions[2][1]
    assert {name for name, _ in regions} >= {"GB", "DE", "NZ"}
    assert categories[0][0] == "photographer"
    assert categories[0][1] > 5 * categories[-1][1]


@pytest.mark.slow
def test_the_standard_derived_collection_finds_enough_and_not_too_much() -> None:
    """Photographers in Australia with quality from 0.8 on are about one item in a hundred."""
    chosen = [
        item
        for item in generate_items(20_000, seed=1)
        if item.region == "AU" and item.category == "photographer" and item.quality >= 0.8
    ]

    assert 100 <= len(chosen) <= 600


@pytest.mark.parametrize("seed", [1, 2, 2**40])
def test_every_item_is_whole(seed: int) -> None:
    """No slot of a template is left open; numbers lie where the database wants them; ids are unique."""
    items = list(generate_items(5000, seed=seed))

    assert len({item.external_id for item in items}) == len(items)
    assert all(item.title and "{" not in item.title + item.description for item in items)
    assert all(0 <= item.quality <= 1 and (item.price_usd or 0) >= 5 for item in items)
    assert all(item.vendor_external_id and item.vendor_name and item.created_at for item in items)


def test_texts_vary_and_come_in_several_scripts() -> None:
    """Most descriptions differ, and emoji and Japanese are among the titles."""
    items = list(generate_items(5000, seed=1))
    titles = "".join(item.title for item in items)

    assert len({item.description for item in items}) > 4000
    assert all(mark in titles for mark in ("📷", "の", "ü", "ç"))


@pytest.mark.slow
def test_vendors_have_one_to_sixty_items_of_one_region_and_category() -> None:
    """A vendor is one place and one trade."""
    items = list(generate_items(20_000, seed=1))
    sizes = Counter(item.vendor_external_id for item in items)
    places = {(item.vendor_external_id, item.region, item.category) for item in items}

    assert len(places) == len(sizes)
    assert (min(sizes.values()), max(sizes.values()) <= 60) == (1, True)
    assert max(sizes.values()) > 20


def test_preview_counts_what_would_be_generated() -> None:
    """The numbers of a dry run are those of the real run."""
    preview = preview_items(1000, seed=5)

    assert preview.source == "generated_5"
    assert sum(preview.regions.values()) == preview.items == 1000
    assert list(preview.first) == list(generate_items(3, seed=5))
