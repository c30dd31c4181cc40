"""What is destroyed and seen in a drill of a loss (`dr.drill.ports.World`)."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from opsctl.cli.dr_destroying import Destroyer
from opsctl.cli.dr_rows import Rows
from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from opsctl.chaos.sample import Sample
    from opsctl.chaos.traffic import Traffic
    from opsctl.cli.dr_ground import LossStage
    from opsctl.dr.drill.book import Loss
    from opsctl.dr.drill.canary_log import CanaryStory
    from opsctl.dr.drill.model import CommandSeen, SecondSeen
    from opsctl.dr.drill.ports import Held, Served

_CANARY = "canary"
_CANARY_PER_SECOND = 25.0
"""A little more than the twenty that are to be acknowledged."""
_FEED_SECONDS = 0.5
_FIRST_GOLDEN_READER = 5_000_000
_KEPT_CHARACTERS = 4000


class LossWorld:
    """A ground whose stores are lost, and brought back by a runbook.

    Args:
        stage: the ground and what stands outside of it.
        scenario: name of the book, and so of the runbook.
    """

    def __init__(self, stage: "LossStage", *, scenario: str) -> None:
        self._stage = stage
        self._scenario = scenario
        self._destroyer = Destroyer(stage)
        self._rows = Rows(stage)
        self._samples: list[Sample] = []
        self._told: dict[str, list[float]] = {}
        self._golden_reader = _FIRST_GOLDEN_READER
        self._run = f"{int(datetime.now(UTC).timestamp())}"
        self._closing = ExitStack()

    def close(self) -> None:
        """End what this world itself has started."""
        self._closing.close()

    def begin_canary(self) -> None:
        """Let the canary write, from a process outside of everything that is destroyed."""
        from opsctl.dr.drill.canary import KEY_VARIABLE

        traffic = self._traffic()
        key = traffic.headers["authorization"].removeprefix("Bearer ")
        os.environ[KEY_VARIABLE] = key
        try:
            self._stage.ground.helpers.start_own(
                _CANARY,
                "opsctl.dr.drill.canary",
                *(str(self._stage.outside.canary_log), "--url", traffic.url, "--run", self._run),
                *("--per-second", str(_CANARY_PER_SECOND), "--vendor", str(self._rows.any_vendor())),
                *("--parent", str(os.getpid())),
            )
        finally:
            del os.environ[KEY_VARIABLE]
        self._take_samples()
        self._samples.clear()

    def end_canary(self) -> "CanaryStory":
        """End it and read its log."""
        from opsctl.dr.drill.canary_log import read_canary_log

        self._stage.ground.helpers.end(_CANARY)
        return read_canary_log(self._stage.outside.canary_log)

    def catalogue(self) -> "AbstractSet[int]":
        """Return the items that are there."""
        return self._rows.catalogue()

    def begin_backup(self) -> None:
        """Begin a full backup, and return when it writes."""
        self._destroyer.begin_backup()

    def destroy(self, losses: "Sequence[Loss]") -> None:
        """Destroy."""
        for loss in losses:
            self._destroyer.destroy(loss)

    def told_at(self, alert: str, *, since: float) -> float | None:
        """Return when a receiver was told of an alert that fires."""
        self._take_samples()
        watchers = self._stage.watchers
        for message in watchers.messages() if watchers is not None else ():
            if message.status == "firing":
                self._told.setdefault(message.alertname, []).append(message.at)
        return min((at for at in self._told.get(alert, ()) if at >= since), default=None)

    def run_book(self) -> "Sequence[str]":
        """Return the commands below Mitigation of the scenario's runbook."""
        from opsctl.cli.dr_drilling import runbook_of

        runbook = runbook_of(self._scenario)
        if not runbook.commands:
            raise UsageError(
                f"there is no runbook `{runbook.path.name}`, or nothing below its Mitigation",
                code="DRC075",
                why="a drill does what the runbook says, and nothing else",
                fix=f"write {runbook.path}; the others beside it show how",
            )
        return runbook.commands

    def run(self, command: str, *, point: float) -> "CommandSeen":
        """Run a command in the folder of the ground, as an operator would."""
        from opsctl.cli import wiring
        from opsctl.cli.runbook_running import search_path
        from opsctl.clients.shell import run_script
        from opsctl.dr.drill.model import CommandSeen

        self._take_samples()
        lines: list[str] = []
        outside, root = self._stage.outside, self._stage.ground.root
        # Without any setting of the caller's: a drill must never touch other servers.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OPSCTL_")}
        environment |= {
            "PATH": search_path(),
            "POINT": datetime.fromtimestamp(point, UTC).isoformat(),
            "OFFSITE": str(outside.offsite),
            "IDENTITY": str(outside.key),
            "FOLDER": str(outside.elsewhere),
            **self._rows.psql_environment(),
        }
        # Where the region is gone there is no project: only an empty folder, and what the owner kept.
        folder = root if (root / "opsctl.yaml").is_file() else outside.empty
        folder.mkdir(parents=True, exist_ok=True)
        environment["OPSCTL_PROJECT"] = str(
            folder
        )  # which lies below another project: that one is none of its business
        clock = wiring.clock()
        began = clock.monotonic()
        code = run_script(command, folder=folder, environment=environment, heard=lines.append)
        self._take_samples()
        return CommandSeen(
            command=command,
            seconds=clock.monotonic() - began,
            exit_code=code,
            tail="".join(lines)[-_KEPT_CHARACTERS:],
        )

    def golden(self) -> bool:
        """Ask for the feed of a reader who never came before."""
        import httpx

        self._follow_service()
        self._take_samples()
        self._golden_reader += 1
        traffic = self._traffic()
        clock_began = datetime.now(UTC)
        try:
            answer = httpx.get(
                f"{traffic.url}/v1/feed/{self._golden_reader}", headers=traffic.headers, timeout=2.0
            )
            feed = answer.json() if answer.status_code == httpx.codes.OK else {}
        except (httpx.HTTPError, ValueError):
            return False
        seconds = (datetime.now(UTC) - clock_began).total_seconds()
        is_made = feed.get("tier") == "multi_agent" and bool(feed.get("items"))
        return is_made and seconds <= _FEED_SECONDS

    def held(self) -> "Held":
        """Return which rows are where, once the vectors follow."""
        return self._rows.held(self._run)

    def restore_steps(self) -> tuple[str | None, Mapping[str, float]]:
        """Return what the last restore wrote down of itself."""
        notes = sorted(
            [
                *self._stage.ground.home.glob("dr/restores/*.json"),
                *self._stage.outside.folder.glob("**/dr/restores/*.json"),
            ],
            key=lambda path: path.name,
        )
        if not notes:
            return None, {}
        report = json.loads(notes[-1].read_text())
        return report["backup_id"], {each["step"]: each["seconds"] for each in report["steps"]}

    def points(self, *, since: float) -> "Sequence[SecondSeen]":
        """Return what readers got, second by second."""
        from opsctl.cli.dr_seconds import seconds_seen

        self._take_samples()
        return seconds_seen(self._samples, since=since)

    def served(self, *, since: float, until: float) -> "Served":
        """Return what readers got in a time."""
        from opsctl.cli.dr_seconds import served

        return served([each for each in self._samples if since <= each.at < until])

    def _take_samples(self) -> None:
        self._samples += self._traffic().take_samples()

    def _traffic(self) -> "Traffic":
        traffic = self._stage.ground.traffic
        if traffic is None:
            raise AssertionError("a ground of a drill has readers")
        return traffic

    def _follow_service(self) -> None:
        """Let readers ask where the service is now, which is elsewhere after the loss of a region."""
        from opsctl.chaos.traffic import Traffic
        from opsctl.cli.ground_readers import READERS

        before, url = self._traffic(), self._rows.service_url()
        if url is None or url == before.url:
            return
        key = before.headers["authorization"].removeprefix("Bearer ")
        self._take_samples()
        traffic = self._closing.enter_context(Traffic(url, key=key, known_readers=READERS))
        self._stage.ground.traffic = traffic
        self._stage.ground.send_as_usual()
