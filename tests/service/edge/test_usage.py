"""The use of keys: reported in batches, kept for the next time when that fails, and once more at the end."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from tests.service.edge.test_keys import Checked
from tests.service.edge.world import run

from opsctl.service.edge.usage import report_once, report_use


def test_what_was_used_is_reported_once_for_many_requests() -> None:
    """The newest time of each key, and nothing when nothing was used."""

    async def story() -> None:
        keys = Checked()
        reports: list[Mapping[str, datetime]] = []

        async def report(used: Mapping[str, datetime]) -> None:
            reports.append(used)

        for _ in range(50):
            await keys.grant()
            keys.wall.now += 0.1
        last = keys.check.used["goodkey1"]
        await report_once(keys.check, report=report)
        await report_once(keys.check, report=report)

        assert reports == [{"goodkey1": datetime.fromtimestamp(last, tz=UTC)}]

    run(story())


def test_what_could_not_be_reported_waits_for_the_next_time() -> None:
    """A newer use that came meanwhile wins."""

    async def story() -> None:
        keys = Checked()
        await keys.grant()

        async def fails(_used: Mapping[str, datetime]) -> None:
            keys.wall.now += 7
            await keys.grant()
            raise ConnectionError("gone")

        await report_once(keys.check, report=fails)

        assert keys.check.used == {"goodkey1": keys.wall.now}

    run(story())


def test_the_last_report_comes_at_the_stop() -> None:
    """Nothing is lost by an orderly end."""

    async def story() -> None:
        keys = Checked()
        await keys.grant()
        reports: list[Mapping[str, datetime]] = []
        stop = asyncio.Event()

        async def report(used: Mapping[str, datetime]) -> None:
            reports.append(used)

        task = asyncio.create_task(report_use(keys.check, report=report, stop=stop))
        await asyncio.sleep(0)
        stop.set()
        await task

        assert [set(used) for used in reports] == [{"goodkey1"}]

    run(story())
