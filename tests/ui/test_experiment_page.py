"""The page of an experiment says what its analysis says, labels what is simulated, and runs nothing."""

import re
from dataclasses import replace

from tests.ui.experiments_shown import HOSTILE, hostile, mismatched, reported, simulated

from opsctl.experiments.analysis.model import Check
from opsctl.ui.experiment_markdown import figures_markdown
from opsctl.ui.experiment_page import render_experiment_page, render_index


def text_of(page: str) -> str:
    """Return the words of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.partition("<main>")[2]))


def test_the_verdict_its_reasons_and_every_metric_are_told() -> None:
    """First of all what follows; then effects, lifts over time, units, looks, the book and the certificates."""
    text = text_of(render_experiment_page(reported()))

    assert "✔ ship six agents" in text
    assert "clicks is better: +" in text
    assert "return is not worse by more than its margin" in text
    assert "Units by arm" in text
    assert "2026-11-08 00:00 1,960 0.200 keep running" in text
    assert "Certificate of mean 146a47d420c8" in text
    assert "imulated" not in text


def test_wrong_sizes_of_arms_are_told_before_any_lift() -> None:
    """As the verdict, and among the checks."""
    text = text_of(render_experiment_page(mismatched()))

    assert "✘ invalid agents" in text
    assert "✘ sample ratio : the arms have the wrong sizes" in text


def test_a_warning_is_told_as_one() -> None:
    """Neither as a fault nor as something that is all right."""
    shown = reported()
    warning = Check(
        name="values of events", is_fault=False, is_warning=True, says="missing, NaN or infinite: 12 in `six`"
    )
    analysis = replace(shown.analysis, checks=(*shown.analysis.checks, warning))

    text = text_of(render_experiment_page(replace(shown, analysis=analysis)))

    assert "! values of events : missing, NaN or infinite: 12 in six" in text


def test_what_is_simulated_says_so_with_the_truth_beside() -> None:
    """Also what stood in for what, and what other kinds of worlds turn round."""
    text = text_of(render_experiment_page(simulated()))

    assert "Simulated: readers, vendors, time." in text
    assert "Hashed texts in place of all-minilm-l6-v2." in text
    assert "clicks six +10.0 % +8.4 % 3 of 3 3 of 3 0" in text
    assert "saves of six: -2.0 % to +8.4 %" in text
    assert "Interleaved first: +0.120 (+0.050 to +0.190) for the treatment, p = 0.001, 812 sessions" in text


def test_no_text_of_a_book_runs() -> None:
    """In the page and in the index."""
    pages = render_experiment_page(hostile()) + render_index([hostile()])

    assert HOSTILE not in pages
    assert "&lt;script&gt;" in pages


def test_the_index_leads_to_each_page() -> None:
    """With verdict, primary metrics and units."""
    page = render_index([reported(), simulated()])

    assert page.count('href="agents.html"') == 2
    assert "agents, simulated" in page
    assert "3,920" in page


def test_figures_for_a_page_of_markdown_are_those_of_the_analysis() -> None:
    """The verdict, a row a metric, and the truth beside where it is known."""
    text = figures_markdown(simulated())

    assert text.startswith("**Verdict: ship `six`.**\n\n- `clicks` is better: +")
    assert "| clicks | primary | six |" in text
    assert "| clicks | six | +10.0 % | +8.4 % | 3 of 3 | 3 of 3 | 0 |" in text
    assert "not robust: saves of six (-2.0 % to +8.4 %)." in text
