"""What the ranking has learned, as an operator sees it, goes back, and makes decisions again."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import Outcome, run_opsctl
from tests.ranking.scene import make_candidates, make_options, make_reader, make_state
from tests.store.opened import AnyConnection, on

from opsctl.cli.learning import Replayed, exit_code
from opsctl.clients.postgres import DatabaseAddress
from opsctl.core.clock import SystemClock
from opsctl.core.exit_codes import ExitCode
from opsctl.evidence.ledger import Ledger
from opsctl.evidence.model import Verdict
from opsctl.ranking.model import PolicyState
from opsctl.ranking.rank import rank
from opsctl.ranking.replay import ReplayableDecision, to_json
from opsctl.service.feed.learned import policy_document
from opsctl.store.decisions import Decision, insert_decisions
from opsctl.store.learning import Learned, write_state

_MOMENT = datetime(2026, 11, 1, 12, tzinfo=UTC)


class _Shell:
    """Runs `opsctl learned` in one project, against a fresh database."""

    def __init__(self, folder: Path, database: DatabaseAddress) -> None:
        self.folder = folder
        self.environment = {
            "OPSCTL_DATABASE_URL": database.url,
            "OPSCTL_DATABASE_PASSWORD": database.password or "",
        }

    def run(self, *arguments: str) -> Outcome:
        return run_opsctl("learned", *arguments, folder=self.folder, environment=self.environment)

    def data(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)["data"]


@pytest.fixture
def shell(tmp_path: Path, database: DatabaseAddress) -> _Shell:
    """Give a project with a database of its own."""
    return _Shell(tmp_path, database)


def _policy(bias: float) -> dict[str, Any]:
    means = ((bias, 0.0, 0.0), (0.0, 0.0, 0.0))
    return policy_document(PolicyState(agents=("quality", "discovery"), means=means, log_sigmas=(-1.0, -1.0)))


@pytest.mark.slow
@pytest.mark.stack
def test_an_older_version_becomes_the_newest_one(shell: _Shell, database: DatabaseAddress) -> None:
    """Nothing is removed; a dry run writes nothing, and a version that is not there is refused."""

    async def learn(connection: AnyConnection) -> None:
        for number, bias in enumerate((0.0, 2.0)):
            assert await write_state(connection, Learned.POLICY, expected=number, state=_policy(bias))

    on(database, learn)
    dry = shell.data("rollback", "policy", "--to", "1", "--dry-run")
    before = shell.data("list")
    done = shell.run("rollback", "policy", "--to", "1")
    after = shell.data("list")
    unknown = shell.run("rollback", "policy", "--to", "9")

    assert (dry["written"], dry["is_dry_run"]) == (3, True)
    assert [each["version"] for each in before] == [2, 1]
    assert before[0]["shares"]["quality"] > 0.8 > before[1]["shares"]["quality"]
    assert (done.exit_code, "learned rollback policy --to 2" in done.stderr) == (0, True)
    assert [each["version"] for each in after] == [3, 2, 1]
    assert after[0]["shares"]["quality"] == pytest.approx(after[2]["shares"]["quality"], abs=0.02)
    assert (unknown.exit_code, "SVC320" in unknown.stderr) == (2, True)
    assert shell.data("list", "arms") == []


def _decision(feed: str, *, seed: int, claimed: int | None = None) -> Decision:
    """Return a logged decision; `claimed` logs the slate of another seed in its place."""
    candidates, reader = make_candidates(12, seed=3), make_reader(5)
    state, options = make_state(), make_options()
    made = ReplayableDecision(
        candidates=candidates,
        reader=reader,
        state=state,
        options=options,
        seed=seed,
        slate=rank(
            candidates, reader, state=state, options=options, seed=seed if claimed is None else claimed
        ),
    )
    return Decision(
        feed_id=feed, user_id=7, decided_at=_MOMENT, content_ids=made.slate.ids, replay=to_json(made)
    )


@pytest.mark.stack
def test_logged_decisions_are_made_again_and_what_differs_is_named(
    shell: _Shell, database: DatabaseAddress
) -> None:
    """With a proof in the ledger each time; a decision without its inputs is refused by name."""
    good, wrong = _decision("good", seed=5), _decision("wrong", seed=5, claimed=6)
    bare = replace(good, feed_id="bare", replay=None)

    nothing = shell.run("replay")
    on(database, lambda connection: insert_decisions(connection, [good, bare]))
    same = shell.run("replay")
    refused = shell.run("replay", "bare")
    on(database, lambda connection: insert_decisions(connection, [wrong]))
    both = shell.data("replay")
    named = shell.run("replay", "wrong")

    assert (nothing.exit_code, same.exit_code, named.exit_code) == (5, 0, 1)
    assert "1 of 1 decisions came out as they were" in same.stderr
    assert (refused.exit_code, "SVC322" in refused.stderr) == (2, True)
    assert {each["feed_id"]: bool(each["differences"]) for each in both} == {"good": False, "wrong": True}
    records = Ledger(shell.folder / ".opsctl" / "evidence", clock=SystemClock()).records(
        kind="learned.replay"
    )
    assert [each.verdict for each in records] == [
        Verdict.FAIL,
        Verdict.FAIL,
        Verdict.PASS,
        Verdict.INCONCLUSIVE,
    ]


def test_nothing_made_again_is_no_proof() -> None:
    """And one that differs among many makes it bad."""
    same = Replayed(feed_id="a", decided_at=_MOMENT, policy_version=1, arms_version=1, differences=())
    other = replace(same, differences=("scores",))

    codes = [exit_code(each) for each in ((), (same,), (same, other))]

    assert codes == [ExitCode.INCONCLUSIVE, ExitCode.GOOD, ExitCode.BAD_VERDICT]
