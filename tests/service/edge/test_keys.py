"""Keys: remembered for a short while, dropped at once when revoked, trusted for a while without the database."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.service.edge.world import KEY, Keys, Time, key_record, let_others_run, run

from opsctl.service.edge.gcra import allowance
from opsctl.service.edge.key_model import Grant, KeyRecord, KeyRefusedError, KeysUnavailableError
from opsctl.service.edge.keys import KeyCheck

_PLANS = {"free": allowance(1000, window_seconds=3600), "bench": allowance(10**6, window_seconds=3600)}


class Checked:
    """A check of keys with clocks that stand still."""

    def __init__(self, *, most_keys: int = 100) -> None:
        self.source = Keys({"goodkey1": key_record()})
        self.time, self.wall = Time(), Time(1_800_000_000.0)
        self.check = KeyCheck(
            self.source,
            plans=_PLANS,
            remembered_seconds=10,
            trusted_seconds=60,
            now=self.time,
            wall=self.wall,
            most_keys=most_keys,
        )

    async def grant(self, key: str = KEY, scheme: str = "Bearer") -> Grant:
        """Do what the edge does for a request."""
        authorization = f"{scheme} {key}".encode()
        return self.check.check(authorization) or await self.check.ask(authorization)

    async def reason(self, key: str = KEY) -> str:
        """Return why a key is refused."""
        with pytest.raises(KeyRefusedError) as refused:
            await self.grant(key)
        return refused.value.reason


def test_a_good_key_is_looked_up_once_in_a_while() -> None:
    """The database hears of it once, whoever asks how often."""

    async def story() -> None:
        keys = Checked()
        for _ in range(99):
            await keys.grant()
        grant = await keys.grant()
        assert (grant.prefix, grant.plan, grant.allowance) == ("goodkey1", "free", _PLANS["free"])
        assert keys.source.asked == ["goodkey1"]

    run(story())


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
def test_the_scheme_is_read_in_any_case(scheme: str) -> None:
    """As RFC 9110 says."""
    assert run(Checked().grant(scheme=scheme)).prefix == "goodkey1"


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (None, "no_key"),
        (b"", "no_key"),
        (b"Basic dXNlcjpwYXNz", "no_key"),
        (b"Bearer ", "wrong_key"),
        (b"Bearer opk_short", "wrong_key"),
        (b"Bearer " + b"x" * 100_000, "wrong_key"),
        (b"Bearer xyz_goodkey1_" + b"s" * 32, "wrong_key"),
    ],
)
def test_what_is_no_key_never_reaches_the_database(authorization: bytes | None, reason: str) -> None:
    """It is refused by its form."""
    keys = Checked()

    with pytest.raises(KeyRefusedError) as refused:
        keys.check.check(authorization)

    assert refused.value.reason == reason
    assert keys.source.asked == []


@pytest.mark.parametrize(
    "key", [f"opk_goo%ke'1_{'s' * 32}", f"opk_goodkey1x{'s' * 32}", f"opk_göödkey_{'s' * 32}"]
)
def test_odd_characters_never_reach_the_database(key: str) -> None:
    """A prefix is letters and digits."""

    async def story() -> None:
        keys = Checked()
        assert await keys.reason(key) == "wrong_key"
        assert keys.source.asked == []

    run(story())


def test_wrong_secrets_of_a_known_key_are_refused_without_the_database() -> None:
    """Guessing costs the database nothing."""

    async def story() -> None:
        keys = Checked()
        await keys.grant()
        for letter in "abcdef":
            assert await keys.reason(f"opk_goodkey1_{letter * 32}") == "wrong_key"
        assert keys.source.asked == ["goodkey1"]

    run(story())


def test_unknown_keys_are_remembered_too_and_within_bounds() -> None:
    """A flood of made-up keys asks once for each, and drives out neither memory nor good keys."""

    async def story() -> None:
        keys = Checked(most_keys=50)
        await keys.grant()
        for _ in range(2):
            assert await keys.reason(f"opk_{'unknown1'}_{'s' * 32}") == "wrong_key"
        assert keys.source.asked == ["goodkey1", "unknown1"]
        for number in range(500):
            assert await keys.reason(f"opk_{number:08}_{'s' * 32}") == "wrong_key"
        assert keys.check.remembered_keys == 51
        await keys.grant()
        assert keys.source.asked.count("goodkey1") == 1
        keys.source.records["unknown1"] = key_record(f"opk_unknown1_{'s' * 32}")
        keys.time.now += 10
        assert (await keys.grant(f"opk_unknown1_{'s' * 32}")).prefix == "unknown1"

    run(story())


def test_revoked_and_expired_keys_are_refused_by_name_only_to_who_has_the_secret() -> None:
    """A stranger learns nothing but `wrong_key`."""

    async def story() -> None:
        keys = Checked()
        now = datetime.fromtimestamp(keys.wall.now, tz=UTC)
        keys.source.records["goodkey1"] = key_record(expires_at=now + timedelta(seconds=5))
        await keys.grant()
        keys.wall.now += 5
        assert await keys.reason() == "expired_key"
        keys.source.records["goodkey1"] = key_record(revoked_at=now)
        keys.check.forget("goodkey1")
        assert await keys.reason() == "revoked_key"
        assert await keys.reason(f"opk_goodkey1_{'x' * 32}") == "wrong_key"

    run(story())


def test_a_revoked_key_works_at_most_as_long_as_the_book_says() -> None:
    """Nobody told us: after `remembered` the database is asked before the answer."""

    async def story() -> None:
        keys = Checked()
        await keys.grant()
        keys.source.records["goodkey1"] = key_record(revoked_at=datetime.now(UTC))
        keys.time.now += 9.9
        await keys.grant()
        await let_others_run()
        assert await keys.reason() == "revoked_key"

    run(story())


def test_a_key_in_steady_use_never_waits_for_the_database() -> None:
    """It is asked for again in the background at half its time."""

    async def story() -> None:
        keys = Checked()
        await keys.grant()
        for _ in range(20):
            keys.time.now += 4
            assert keys.check.check(f"Bearer {KEY}".encode()) is not None
            await let_others_run()
        assert len(keys.source.asked) == 11

    run(story())


def test_a_hundred_requests_with_one_key_share_a_lookup() -> None:
    """Single flight, and it goes on when the first asker leaves."""

    async def story() -> None:
        keys = Checked()
        open_up = asyncio.Event()

        async def wait() -> None:
            await open_up.wait()

        keys.source.wait = wait
        first = asyncio.create_task(keys.grant())
        others = [asyncio.create_task(keys.grant()) for _ in range(99)]
        await let_others_run()
        first.cancel()
        await let_others_run()
        open_up.set()
        grants = await asyncio.gather(*others)
        assert first.cancelled()
        assert {grant.prefix for grant in grants} == {"goodkey1"}
        assert keys.source.asked == ["goodkey1"]

    run(story())


def test_made_up_keys_do_not_take_the_whole_pool() -> None:
    """At most two lookups of unknown keys go on at once."""

    async def story() -> None:
        keys = Checked()
        open_up = asyncio.Event()
        hold_strangers(keys, open_up)
        tasks = [asyncio.create_task(keys.reason(made_up(number))) for number in range(50)]
        await let_others_run()
        assert len(keys.source.asked) == 2
        open_up.set()
        assert set(await asyncio.gather(*tasks)) == {"wrong_key"}

    run(story())


def test_a_flood_of_made_up_keys_does_not_keep_a_good_key_waiting() -> None:
    """Its refresh has turns of its own, in the background and where the database must be asked first."""

    async def story() -> None:
        keys = Checked()
        await keys.grant()
        hold_strangers(keys, asyncio.Event())
        flood = [asyncio.create_task(keys.grant(made_up(number))) for number in range(50)]
        await let_others_run()
        for seconds in (6, 11):
            keys.time.now += seconds
            asking = asyncio.create_task(keys.grant())
            await let_others_run()
            assert asking.done()
            assert asking.result().prefix == "goodkey1"
        assert keys.source.asked.count("goodkey1") == 3
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)

    run(story())


def test_unknown_keys_beyond_those_that_may_wait_are_told_so_at_once() -> None:
    """`unavailable`, not `wrong`: nobody has looked; and it is not remembered."""

    async def story() -> None:
        keys = Checked()
        open_up = asyncio.Event()
        hold_strangers(keys, open_up)
        waiting = [asyncio.create_task(keys.reason(made_up(number))) for number in range(258)]
        await let_others_run()
        with pytest.raises(KeysUnavailableError):
            await keys.grant(made_up(999))
        assert not any(task.done() for task in waiting)
        open_up.set()
        assert set(await asyncio.gather(*waiting)) == {"wrong_key"}
        assert await keys.reason(made_up(999)) == "wrong_key"

    run(story())


def test_waiting_for_a_turn_counts_as_waiting_for_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stood in the queue for the whole time is not looked up after it."""
    monkeypatch.setattr("opsctl.service.edge.keys._LONGEST_LOOKUP_SECONDS", 0.05)

    async def story() -> None:
        keys = Checked()
        hold_strangers(keys, asyncio.Event())
        tasks = (keys.grant(made_up(number)) for number in range(10))
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {KeysUnavailableError}
        assert len(keys.source.asked) == 2

    run(story())


def made_up(number: int) -> str:
    """Give a key that nobody has, and that looks like one."""
    return f"opk_{number:08}_{'s' * 32}"


def hold_strangers(keys: Checked, until: asyncio.Event) -> None:
    """Let the database answer at once for the good key only."""

    async def wait() -> None:
        if keys.source.asked[-1] != "goodkey1":
            await until.wait()

    keys.source.wait = wait


def test_without_the_database_a_key_that_was_good_stays_good_for_a_while() -> None:
    """Six times `remembered`; an unknown one is `unavailable`, not `wrong`."""

    async def story() -> None:
        keys = Checked()
        await keys.grant()
        keys.source.is_gone = True
        keys.time.now += 59
        assert (await keys.grant()).prefix == "goodkey1"
        for _ in range(10):
            await keys.grant()
        assert len(keys.source.asked) == 2, "the database is left alone for a second"
        with pytest.raises(KeysUnavailableError):
            await keys.grant(f"opk_unknown1_{'s' * 32}")
        keys.time.now += 2
        with pytest.raises(KeysUnavailableError):
            await keys.grant()
        keys.source.is_gone = False
        assert (await keys.grant()).prefix == "goodkey1"

    run(story())


def test_when_any_key_may_have_been_revoked_each_is_asked_for_again_before_it_is_good() -> None:
    """As after an invalidation of everything: nobody is let in by what was remembered."""

    async def story() -> None:
        keys = Checked()
        await keys.grant()
        keys.check.doubt_all()
        keys.source.records["goodkey1"] = key_record(revoked_at=datetime.now(UTC))
        assert await keys.reason() == "revoked_key"

    run(story())


def test_without_the_database_a_doubted_key_is_as_good_as_it_was() -> None:
    """Caches are emptied just after a restore, when the database may not answer yet: readers go on."""

    async def story() -> None:
        keys = Checked()
        await keys.grant()
        keys.source.is_gone = True
        keys.check.doubt_all()
        assert (await keys.grant()).prefix == "goodkey1"
        keys.time.now += 61
        with pytest.raises(KeysUnavailableError):
            await keys.grant()

    run(story())


def test_a_key_revoked_while_it_is_looked_up_is_not_remembered() -> None:
    """What was read before the revocation must not outlive it."""

    async def story() -> None:
        keys = Checked()

        async def revoked_meanwhile() -> None:
            keys.check.forget("goodkey1")

        keys.source.wait = revoked_meanwhile
        await keys.grant()
        assert keys.check.remembered_keys == 0

    run(story())


@pytest.mark.parametrize("revoked", ["this key", "any key"])
def test_who_asks_after_a_revocation_does_not_join_a_lookup_from_before_it(revoked: str) -> None:
    """The one from before may have read the key while it was good; it comes last here, and is not remembered."""

    async def story() -> None:
        keys = Checked()
        open_up = asyncio.Event()
        hold_first_answer(keys, open_up)
        before = asyncio.create_task(keys.grant())
        await let_others_run()
        keys.source.records["goodkey1"] = key_record(revoked_at=datetime.now(UTC))
        if revoked == "this key":
            keys.check.forget("goodkey1")
        else:
            keys.check.doubt_all()
        async with asyncio.timeout(1):
            assert await keys.reason() == "revoked_key"
        open_up.set()
        assert (await before).prefix == "goodkey1"
        assert await keys.reason() == "revoked_key"
        assert keys.source.asked == ["goodkey1"] * 2

    run(story())


def hold_first_answer(keys: Checked, until: asyncio.Event) -> None:
    """Let the database read the key at once when it is first asked, and answer later."""
    find = keys.source.find

    async def find_slowly(prefix: str) -> KeyRecord | None:
        is_first = not keys.source.asked
        record = await find(prefix)
        if is_first:
            await until.wait()
        return record

    keys.source.find = find_slowly  # type: ignore[method-assign]  # one database that answers late


def test_a_plan_that_no_book_has_is_the_free_one() -> None:
    """A key made for a plan that was removed gets the least, not everything."""

    async def story() -> None:
        keys = Checked()
        keys.source.records["goodkey1"] = key_record(plan="platinum")
        assert (await keys.grant()).plan == "free"

    run(story())


def test_only_good_uses_are_noted() -> None:
    """`used` names the key and when, in wall time."""

    async def story() -> None:
        keys = Checked()
        await keys.grant()
        await keys.reason(f"opk_goodkey1_{'x' * 32}")
        assert keys.check.used == {"goodkey1": keys.wall.now}

    run(story())
