"""Whole commands of `opsctl bench` and `opsctl collections plan` on a real vector node."""

import json
import re

import pytest
from tests.bench.marketplace import BOOK, derive, fill, store_at, write_project
from tests.cli.command import run_opsctl

pytestmark = pytest.mark.stack

QUICK = ("--queries", "100", "--allow-noise")


@pytest.fixture(scope="module")
def node(vector_node):
    """Fill the session's node with a source and one derived collection, and take both away afterwards."""
    with store_at(vector_node.url) as store:
        fill(store)
        derive(store)
        try:
            yield vector_node
        finally:
            for name in store.collections():
                if name.startswith(("bench_vendors", "au_photographers__g", "opsctl_")):
                    store.delete_collection(name)


@pytest.fixture
def project(node, tmp_path):
    """Give a project folder whose book has the derived collection."""
    write_project(tmp_path, url=node.url)
    return tmp_path


def records(folder, kind):
    """Return the evidence of a kind."""
    lines = (folder / ".opsctl" / "evidence" / "ledger.jsonl").read_text().splitlines()
    return [record for record in map(json.loads, lines) if record["kind"] == kind]


@pytest.mark.slow
def test_a_latency_run_is_shown_kept_and_proven(project):
    """Table, plot, page, run file and evidence record come from one run; the page asks for nothing outside."""
    outcome = run_opsctl("bench", "latency", *QUICK, "--html", "page.html", folder=project)

    assert outcome.exit_code == 0, outcome.stderr
    assert "✔ pass recall 1.000" in outcome.stdout
    assert "engine time by percentile" in outcome.stdout
    (evidence,) = records(project, "bench.latency")
    assert (evidence["subject"], evidence["verdict"]) == ("au_photographers", "pass")
    assert (project / ".opsctl" / "runs" / f"{evidence['figures']['run']}.json").is_file()
    page = (project / "page.html").read_text()
    assert page.count("<svg") == 2
    assert not re.findall(r"<script|https?://|src=|@import|url\(", page)
    assert "quality &gt;= 0.5" in page


@pytest.mark.slow
def test_a_missed_budget_ends_with_one(project, node):
    """No search takes less than a microsecond."""
    write_project(project, url=node.url, book=BOOK.replace("10s", "0.001ms"))

    outcome = run_opsctl("bench", "latency", "--json", *QUICK, folder=project)

    document = json.loads(outcome.stdout)
    assert (outcome.exit_code, document["ok"]) == (1, False)
    assert [check["verdict"] for check in document["data"][0]["checks"]] == ["pass", "fail"]


@pytest.mark.drill
def test_two_runs_are_listed_shown_and_compared(project):
    """The second run is judged against the first; other queries make them incomparable."""
    for seed in ("0", "0", "1"):
        run_opsctl("bench", "latency", *QUICK, "--seed", seed, folder=project)
    runs = json.loads(run_opsctl("bench", "list", "--json", folder=project).stdout)["data"]
    newest, second, first = (run["id"] for run in runs)

    same = run_opsctl("bench", "compare", first, second, "--json", "--noise-floor", "1", folder=project)
    different = run_opsctl("bench", "compare", first, newest, folder=project)
    shown = run_opsctl("bench", "show", first, folder=project)

    compared = json.loads(same.stdout)["data"]
    assert compared["differences"] == []
    # How two real runs of a shared machine differ is not ours to say; that the exit code says it, is.
    assert same.exit_code == {"pass": 0, "fail": 1, "inconclusive": 5}[compared["verdict"]]
    assert different.exit_code == 5
    assert "error[BEN008]" in different.stderr
    assert "data.queries" in different.stderr
    assert "derived    100 queries" in shown.stdout


@pytest.mark.drill
def test_the_naive_copy_is_measured_and_removed(project, node):
    """With --naive a third arm appears, and no scratch collection stays."""
    outcome = run_opsctl("bench", "latency", "--naive", "--json", *QUICK, folder=project)

    arms = json.loads(outcome.stdout)["data"][0]["arms"]
    assert [arm["name"] for arm in arms] == ["source", "unindexed", "derived"]
    with store_at(node.url) as store:
        assert [name for name in store.collections() if name.startswith("opsctl_")] == []


@pytest.mark.drill
def test_the_filter_matrix_covers_every_shape(project):
    """Each shape appears with a filter that the data has."""
    outcome = run_opsctl("bench", "filters", "--queries", "20", "--allow-noise", "--json", folder=project)

    document = json.loads(outcome.stdout)
    shapes = {result["case"]["shape"] for result in document["data"]}
    assert outcome.exit_code == 0
    assert shapes == {"keyword", "keyword+keyword", "range", "keyword+keyword+range", "any of", "except"}
    assert all(result["case"]["points"] > 0 for result in document["data"])


@pytest.mark.slow
def test_texts_of_a_log_are_embedded_with_the_model_of_the_settings(project, node):
    """A log of words is measured as it is."""
    (project / "opsctl.yaml").write_text(f"qdrant: {{url: {node.url}}}\nembedding: {{dimension: 16}}\n")
    (project / "words.jsonl").write_text("".join(f'{{"text": "jazz band {n}"}}\n' for n in range(30)))

    outcome = run_opsctl("bench", "latency", *QUICK, "--query-log", "words.jsonl", "--json", folder=project)

    assert outcome.exit_code == 0, outcome.stderr
    assert json.loads(outcome.stdout)["data"][0]["queries"] == "30 queries of `words.jsonl`"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "told"),
    [
        (["bench", "latency", "au_photografers"], 2, "did you mean `au_photographers`?"),
        (["bench", "latency", "--duration", "soon"], 2, "error[BEN014]"),
        (["bench", "show", "nothing"], 2, "error[BEN006]"),
        (["bench", "latency", "--query-log", "bad.jsonl"], 2, "bad.jsonl:2:1"),
        (["collections", "plan", "--query-log", "unfiltered.jsonl"], 2, "error[COL060]"),
    ],
)
def test_bad_input_is_named(project, arguments, exit_code, told):
    """Before anything is measured."""
    (project / "bad.jsonl").write_text('{"vector": [1.0]}\n{"vector": "x"}\n')
    (project / "unfiltered.jsonl").write_text('{"text": "x"}\n')

    outcome = run_opsctl(*arguments, folder=project)

    assert (outcome.exit_code, told in outcome.stderr) == (exit_code, True), outcome.stderr


def test_a_derived_collection_that_was_not_built_is_not_measured(project, node):
    """The message names the command that builds it."""
    write_project(project, url=node.url, book=BOOK.replace("au_photographers", "nz_bands"))

    outcome = run_opsctl("bench", folder=project)

    assert outcome.exit_code == 3
    assert "hint: opsctl collections rebuild nz_bands" in outcome.stderr


@pytest.mark.drill
def test_a_plan_measures_five_ways_and_leaves_nothing(project, node):
    """A copy that a killed run left is removed first; at the end no scratch collection is there."""
    with store_at(node.url) as store:
        store.create_collection("opsctl_plan__left", {"vectors": {"size": 4, "distance": "Cosine"}})

    outcome = run_opsctl("collections", "plan", *QUICK, "--max-points", "2000", "--json", folder=project)

    data = json.loads(outcome.stdout)["data"]
    (plan,) = data["plans"]
    assert outcome.exit_code in (0, 5)
    assert list(plan["measured"]["arms"]) == ["no index", "planner", "ACORN", "composite key", "derived"]
    assert (data["points"], data["sampled_of"]) == (2000, 3000)
    assert all(arm["recall"]["value"] > 0.9 for arm in plan["measured"]["arms"].values())
    assert "removing what an earlier run left: opsctl_plan__left" in outcome.stderr
    assert len(records(project, "collections.plan")) == 1
    with store_at(node.url) as store:
        assert [name for name in store.collections() if name.startswith("opsctl_")] == []


@pytest.mark.drill
def test_a_log_is_mined_for_its_hot_filters(project):
    """A filter that the book derives keeps its name; another one gets a number and its share of the traffic."""
    derived = '{"region": "AU", "category": "photographer", "quality": {"gte": 0.5}}'
    (project / "log.jsonl").write_text(
        f'{{"text": "a", "filter": {derived}}}\n' * 3 + '{"text": "b", "filter": {"region": "NZ"}}\n'
    )

    outcome = run_opsctl(
        "collections", "plan", *QUICK, "--qps", "8", "--query-log", "log.jsonl", "--json", folder=project
    )

    combinations = [plan["measured"]["combination"] for plan in json.loads(outcome.stdout)["data"]["plans"]]
    assert [(each["name"], each["queries_per_second"]) for each in combinations] == [
        ("au_photographers", 6.0),
        ("hot_2", 2.0),
    ]
