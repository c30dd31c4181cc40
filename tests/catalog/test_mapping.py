"""A mapping book says everything that is wrong in it, with the place."""

from pathlib import Path

import pytest

from opsctl import assets
from opsctl.catalog.mapping import MappingBook, load_mapping
from opsctl.core.errors import UsageError

GOOD = """\
source: shop
id: key
fields:
  title: name
  description: {template: "{name} in {town}"}
  region: {column: country, empty: unknown}
  category: {constant: venue}
  quality: {column: stars, low: 1, high: 5}
  vendor: {id: owner}
"""


def _load(folder: Path, text: str) -> MappingBook:
    path = folder / "mapping.yaml"
    path.write_text(text)
    return load_mapping(path)


def test_columns_are_those_that_some_rule_reads(tmp_path: Path) -> None:
    """Each once, those inside templates too; constants read none."""
    assert _load(tmp_path, GOOD).columns() == ("key", "name", "town", "country", "stars", "owner")


@pytest.mark.parametrize(
    "path", sorted((assets.templates() / "mappings").glob("*.yaml")), ids=lambda p: p.stem
)
def test_every_shipped_mapping_is_right(path: Path) -> None:
    """And its source bears the name of the file."""
    assert load_mapping(path).source == path.stem


def test_the_digest_follows_the_meaning_and_not_the_layout(tmp_path: Path) -> None:
    """A comment does not begin an import anew; a changed rule does."""
    plain = _load(tmp_path, GOOD).digest

    assert _load(tmp_path, f"# a comment\n{GOOD}").digest == plain
    assert _load(tmp_path, GOOD.replace("low: 1", "low: 0")).digest != plain


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  title: name\n", "  titel: name\n", "did you mean `title`?"),
        (
            "  title: name\n",
            "  title: {column: a, constant: b}\n",
            "exactly one of column, template, constant",
        ),
        ("low: 1, high: 5", "low: 5, high: 5", "`low` must be less than `high`"),
        ("source: shop", "source: My Shop", "`source` is `My Shop`"),
        ("id: key", "id: key\nencoding: utf-17", "not an encoding that Python knows"),
        ("id: key", "id: key\nencoding: utf-16", "cannot be read line by line"),
        ("id: key\n", "", "`id` is missing"),
        ("{column: stars, low: 1, high: 5}", "{percentile: stars, empty: 2}", "less than or equal to 1"),
    ],
    ids=["unknown", "two-origins", "bounds", "source", "no-encoding", "wide-encoding", "missing", "range"],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    """CFG003 or CFG004, with a line."""
    assert old in GOOD

    with pytest.raises(UsageError) as caught:
        _load(tmp_path, GOOD.replace(old, new))

    told = [f"{finding.title} {finding.fix}" for finding in caught.value.findings]
    assert any(said in text for text in told), told
    assert all(finding.location and finding.location.line for finding in caught.value.findings)
