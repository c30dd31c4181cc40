"""MkDocs in a process of its own: a site, or all that it warns of."""

from pathlib import Path

import pytest

from opsctl.clients.mkdocs import build_site, mkdocs_versions, require_mkdocs

CONFIG = """
site_name: small
theme: {name: null, custom_dir: theme}
plugins: []
strict: true
nav: [index.md]
validation: {nav: {omitted_files: warn}, links: {anchors: warn}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Make the smallest book of a site, with a theme of one line."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "theme").mkdir()
    (tmp_path / "theme" / "main.html").write_text("<html><body>{{ page.content }}</body></html>")
    (tmp_path / "mkdocs.yml").write_text(CONFIG)
    (tmp_path / "docs" / "index.md").write_text("# Small\n\n[here](#small)\n")
    return tmp_path / "mkdocs.yml"


def test_a_right_site_is_built_without_a_word(config: Path, tmp_path: Path):
    """And the versions of what built it are known."""
    answer = build_site(config, out=tmp_path / "site")

    assert (answer.is_built, answer.warnings) == (True, ()), answer.text
    assert "Small" in (tmp_path / "site" / "index.html").read_text()
    assert all(each[0].isdigit() for each in mkdocs_versions().values())
    require_mkdocs()


def test_every_warning_is_kept_with_what_it_is_about(config: Path, tmp_path: Path):
    """A dead link, a dead anchor, and which pages are nowhere in the navigation."""
    (tmp_path / "docs" / "index.md").write_text("# Small\n\n[a](gone.md) [b](#gone)\n")
    (tmp_path / "docs" / "lost.md").write_text("# Lost\n")

    answer = build_site(config, out=tmp_path / "site")

    assert not answer.is_built
    told = "\n".join(answer.warnings)
    assert len(answer.warnings) == 3, answer.text
    assert all(each in told for each in ("lost.md", "gone.md", "#gone"))


def test_a_book_of_a_site_that_is_wrong_says_so(config: Path, tmp_path: Path):
    """The end of it is no site, and what was printed is kept."""
    config.write_text("site_name: [")

    answer = build_site(config, out=tmp_path / "site")

    assert not answer.is_built
    assert "mkdocs.yml" in answer.text
