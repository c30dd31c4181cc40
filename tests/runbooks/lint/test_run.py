"""Every check of runbooks: quiet on a whole one, and on one broken thing it speaks up at its line."""

from dataclasses import replace
from typing import Any

import pytest
from tests.runbooks.books import FACTS, GOOD, INDEX, LOSS, NODE, RECOVERING, context, runbook

from opsctl.core.findings import Severity
from opsctl.runbooks.lint.registry import CHECKS
from opsctl.runbooks.lint.run import explanations, lint_runbooks
from opsctl.runbooks.model import README


def broken(old: str, new: str):
    """Return the project with one thing changed in the runbook."""
    assert old in GOOD
    return context(GOOD.replace(old, new))


def command(text: str):
    """Return the project with this as the first command."""
    return broken("opsctl stack status | head -3", text)


OTHER = replace(FACTS, name="other", file="other.md")


def losing(text: str = RECOVERING, **changes: Any):
    """Return the project with a loss and its runbook too; `cold_start` leads from the one to the other."""
    index = INDEX + f"| [recover_cache_lost](recover_cache_lost.md) | cache | {LOSS.title}. |\n"
    known: dict[str, Any] = {
        "runbooks": {
            "cache_cold.md": runbook(
                GOOD.replace("Less is found", "[Lost](recover_cache_lost.md)? Less is found")
            ),
            LOSS.file: runbook(text, name="recover_cache_lost"),
            README: runbook(index, name="README"),
        },
        "recoveries": [LOSS],
        "parses": lambda _: None,
    }
    return context(**(known | changes))


def loss_with(old: str, new: str):
    """Return the project with one thing changed in the runbook of the loss."""
    assert old in RECOVERING
    return losing(RECOVERING.replace(old, new))


CASES = {
    "a rule without a runbook": (context(rules=[FACTS, OTHER]), "RBK001", "other has no runbook `other.md`"),
    "a runbook without a rule": (
        context(
            runbooks={"cache_cold.md": runbook(), "old.md": runbook(name="old"), README: runbook(INDEX)},
        ),
        "RBK002",
        "no rule leads to `old.md`",
    ),
    "a loss without a runbook": (
        context(recoveries=[LOSS]),
        "RBK001",
        "the loss cache_lost has no runbook `recover_cache_lost.md`",
    ),
    "a runbook without a loss": (losing(recoveries=[]), "RBK002", "no loss leads to `recover_cache_lost.md`"),
    "a heading is gone": (broken("## Impact", "## Impacts"), "RBK003", "no heading Impact"),
    "a heading comes twice": (
        broken("## Over", "## Impact"),
        "RBK003",
        "the headings are not Meaning, Impact, Diagnosis, Mitigation, once each and in this order",
    ),
    "a heading is empty": (broken("Feeds take longer.", ""), "RBK003", "nothing stands below Impact"),
    "a stub": (
        broken("# cache_cold\n", "<!-- stub: finish this -->\n# cache_cold\n"),
        "RBK004",
        "a stub that nobody has finished",
    ),
    "no command to look": (
        context(
            GOOD.replace("```sh\n   curl", "```text\n   curl").replace(
                "```sh\n   opsctl stack s", "```text\n   opsctl stack s"
            )
        ),
        "RBK005",
        "Diagnosis has no command",
    ),
    "a verb that is not there": (
        command("opsctl stock status"),
        "RBK006",
        "step 2: `opsctl stock status`: no verb",
    ),
    "a verb behind a pipe": (
        command("date | opsctl stock status"),
        "RBK006",
        "step 2: `opsctl stock status`: no verb",
    ),
    "no shell": (command("if true; then date"), "RBK006", "step 2 is no shell script: no `fi`"),
    "a series that is not there": (
        broken("query=hits_total", "query=misses_total"),
        "RBK007",
        "step 1: nobody exposes `misses_total`",
    ),
    "a change that is not said": (
        broken("   # changes: stops the cache\n", ""),
        "RBK008",
        "step 3 changes something and does not say what",
    ),
    "a change that says nothing": (
        broken("# changes: stops the cache", "# changes:"),
        "RBK008",
        "step 3 changes something and does not say what",
    ),
    "a link to no file": (
        broken("../caches.md#tiers", "../cashes.md"),
        "RBK009",
        "`../cashes.md` leads nowhere",
    ),
    "a link to no heading of a file": (
        broken("../caches.md#tiers", "../caches.md#tears"),
        "RBK009",
        "`../caches.md#tears` leads to a heading that is not there",
    ),
    "a link to no heading of its own": (
        broken("(#meaning)", "(#meanings)"),
        "RBK009",
        "`#meanings` leads to a heading that is not there",
    ),
    "a panel that is not there": (
        context(panels={"system/other": frozenset()}),
        "RBK010",
        "cache_cold: there is no panel `system/hits`",
    ),
    "a runbook that drills another loss": (
        loss_with("opsctl dr drill cache_lost", "opsctl dr drill cache_gone"),
        "RBK010",
        "drills `cache_gone`, not cache_lost",
    ),
    "a placeholder": (
        command("opsctl explain <CODE>"),
        "RBK011",
        "step 2 holds `<CODE>`, to be filled in by hand",
    ),
    "an index without it": (
        context(index="# Runbooks\n"),
        "RBK012",
        "does not say of cache_cold what the book says",
    ),
    "an index that says otherwise": (
        context(index=INDEX.replace("warning", "critical")),
        "RBK012",
        "does not say of cache_cold what the book says",
    ),
    "an index without the loss": (
        losing(recoveries=[replace(LOSS, title="The cache burns")]),
        "RBK012",
        "does not say of cache_lost what the book says",
    ),
    "a block without a language": (
        broken("```sh\n   opsctl stack status", "```\n   opsctl stack status"),
        "RBK013",
        "a fenced block does not say what it holds",
    ),
    "a wrong number": (broken("3. Start", "1. Start"), "RBK014", "step 3 has 1. before it"),
    "no number": (broken("3. Start", "Start"), "RBK014", "step 3 has no number before it"),
    "another severity": (
        broken("| warning | slack", "| critical | slack"),
        "RBK015",
        "does not say of cache_cold what the book says",
    ),
    "another thing lost": (
        losing(recoveries=[replace(LOSS, loses=("cache", "shelf"))]),
        "RBK015",
        "does not say of cache_lost what the book says",
    ),
    "a moment that is not said": (
        losing(recoveries=[replace(LOSS, meanwhile="at night")]),
        "RBK015",
        "does not say of cache_lost what the book says",
    ),
    "a loss that is not there": (
        loss_with("opsctl stack up cache", "opsctl dr drill cache_gone"),
        "RBK016",
        "step 2: there is no `cache_gone`",
    ),
    "a code that is not there": (command("opsctl explain RBK999"), "RBK016", "step 2: there is no `RBK999`"),
    "an alert that is not there": (
        command("opsctl runbooks show cache_hot"),
        "RBK016",
        "step 2: there is no `cache_hot`",
    ),
    "a fault for nothing": (
        context(faults=frozenset({"cache_wiped", "moon_gone"})),
        "RBK017",
        "no alert names the fault `moon_gone`, so nobody knows whether it would be seen",
    ),
    "a variable that nobody sets": (
        command('curl "$SERVICE_URI"'),
        "RBK018",
        "step 2 uses $SERVICE_URI, which nobody sets",
    ),
}


def test_a_whole_runbook_gives_no_finding():
    """Else the cases below would prove nothing."""
    assert lint_runbooks(context()) == ()


def test_a_loss_with_its_runbook_gives_no_finding():
    """What only a person knows, such as the point to go back to, may stand in its commands."""
    assert lint_runbooks(losing()) == ()
    assert "$POINT" in RECOVERING


@pytest.mark.parametrize(("project", "code", "title"), CASES.values(), ids=CASES)
def test_one_broken_thing_is_found(project, code, title):
    """By its own check, in words that name it."""
    found = lint_runbooks(project)

    assert title in [finding.title for finding in found if finding.code == code]


def test_every_check_has_a_case_and_a_page():
    """A check that nothing can set off is worthless, and one without a page helps nobody."""
    assert {code for _, code, _ in CASES.values()} == set(CHECKS)
    assert all(len(text) > 40 for text in explanations().values())


def test_findings_come_by_line_with_the_line_itself():
    """So that they are mended from top to bottom."""
    text = GOOD.replace("3. Start", "1. Start").replace("1. See how", "9. See how")

    found = lint_runbooks(context(text))

    places = [finding.location for finding in found if finding.location is not None]
    assert [place.line for place in places] == [22, 36]
    assert places[0].file == "docs/runbooks/cache_cold.md"
    assert (places[0].source or "").strip().startswith("curl")


@pytest.mark.parametrize(
    "text",
    [
        "rm -rf data",
        "kill -9 42",
        "echo 1 > file",
        "date >> ~/log",
        "sed -i s/a/b/ file",
        "curl -X POST http://x",
        'curl -d "{}" http://x',
        "sudo systemctl restart postgres",
        "kubectl -n feed rollout restart deploy/x",
        'psql "$DATABASE_URL" -c "delete from items"',
        'psql "$DATABASE_URL" -c "select pg_terminate_backend(1)"',
        "opsctl stack up cache",
        "sleep 1; opsctl stack up cache",
        "/usr/local/bin/opsctl stack up cache",
        "env opsctl stack up cache",
        'echo "$(opsctl stack up cache)"',
        "echo `opsctl stack up cache`",
        "cat <(opsctl stack up cache)",
        "date > >(cat)",
        'eval "$SERVICE_URL"',
        "df -h . && eval x",
        "source ./env",
        ". ./env",
        "if true; then . ./env; fi",
        "bash -c 'rm -rf data'",
        "echo 'rm -rf data' | sh",
        "ls | xargs rm",
        "python3 -c 'x'",
        "A=1 /bin/bash x",
        "$SERVICE_URL data",
        "df -h\n   'rm' -rf data",
        '"rm" -rf data',
        "\\rm -rf data",
        "! 'rm' data",
        "date 2>file",
        "date &>file",
        "date >'file'",
        "find . -name x -exec rm {} +",
        "date | tee file",
        "curl -F a=@b http://x",
        "psql -f x.sql",
        'psql "$DATABASE_URL" -c "\\! rm x"',
    ],
)
def test_what_writes_ends_or_sends_has_to_say_so(text):
    """Whether it is opsctl or not."""
    assert "RBK008" in {finding.code for finding in lint_runbooks(command(text))}
    assert "RBK008" not in {finding.code for finding in lint_runbooks(command(f"# changes: it\n   {text}"))}


@pytest.mark.parametrize(
    "text",
    [
        "curl -s http://x 2>/dev/null | head -3",
        "ps -eo pid,comm 2>&1 | grep kill",
        "curl -sG \"$PROMETHEUS_URL\" --data-urlencode 'query=hits_total > 3'",
        'psql "$DATABASE_URL" -c "select now() - created > interval \'1 min\' from items where updated_at > now()"',
        'echo "rm -rf data"',
        "df -h . && uptime",
        "# see `rm -rf data` and $(x)\n   df -h .",
        "grep -c source x.sh && ls *.sh",
        "{ dmesg || echo 'nothing'; } 2>/dev/null | tail -20",
        'curl -sSv "$SERVICE_URL/healthz" 2>&1 | tail -8',
        "tail -n 200 x.jsonl | grep -c '\"size\":0' || true",
        "head -3 /proc/meminfo >/dev/null 2>&1",
        "printf '$(x) `y`'",
    ],
)
def test_what_only_looks_need_not(text):
    """A mark that is asked for everywhere is read nowhere."""
    assert "RBK008" not in {finding.code for finding in lint_runbooks(command(text))}


def test_a_stub_is_told_once_and_not_for_what_it_does_not_have_yet():
    """One finding to act on instead of five that follow from it."""
    text = "<!-- stub: finish this -->\n" + GOOD.replace("| warning | slack", "| x | y")

    assert [finding.code for finding in lint_runbooks(context(text))] == ["RBK004"]


def test_a_project_without_dashboards_is_not_told_of_missing_panels():
    """What is not there is not guessed."""
    assert lint_runbooks(context(panels=None)) == ()


def test_an_alert_of_an_objective_counts_as_a_name():
    """`runbooks show` takes both."""
    node = replace(NODE, alerts=frozenset({"cache_cold", "cache_cold_fast"}))
    project = context(
        GOOD.replace("opsctl stack status | head -3", "opsctl runbooks show cache_cold_fast"),
        nodes=[node],
        panels={"system/hits": node.alerts},
    )

    assert lint_runbooks(project) == ()


def test_severities_are_those_that_make_the_verdict():
    """A runbook too many, or a fault for nothing, breaks nobody's night."""
    assert {code for code, each in CHECKS.items() if each.severity is not Severity.ERROR} == {
        "RBK002",
        "RBK017",
    }
