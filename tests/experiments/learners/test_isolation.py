"""Isolation of arms: what one arm's readers do teaches that arm alone, all of it, once; whatever else happens is found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.experiments.learners.scenes import random_feedback, scene

from opsctl.core.errors import UsageError
from opsctl.core.exit_codes import ExitCode
from opsctl.experiments.learners.isolation import (
    IsolatedLearner,
    LeakError,
    Stamped,
    check_isolation,
    require_separate,
)
from opsctl.experiments.learners.model import Feedback
from opsctl.experiments.learners.policies import POLICIES, KeptPolicy, make_policy

SCENE = scene(seed=13)
ARMS = ("control", "treatment")


def _learner(arm: str, name: str = "epinet_ts") -> tuple[IsolatedLearner, KeptPolicy]:
    policy = make_policy(name, items=SCENE.items, generator=np.random.default_rng(1))
    return IsolatedLearner(policy, arm=arm), policy


def _stamped(arm: str, first: int, *, rows: int = 20, seed: int = 1) -> Stamped:
    given = random_feedback(SCENE, np.random.default_rng(seed), rows=rows)
    return Stamped(arm=arm, events=np.arange(first, first + rows), feedback=given)


def test_arms_that_keep_apart_are_certified() -> None:
    """With the number and the digest of the events of each."""
    learners = {arm: _learner(arm)[0] for arm in ARMS}
    for number, arm in enumerate(ARMS * 3):
        learners[arm].learn(_stamped(arm, 20 * number), generator=np.random.default_rng(number))

    report = check_isolation(
        settled={"control": np.r_[0:20, 40:60, 80:100], "treatment": np.r_[20:40, 60:80, 100:120]},
        taught={arm: learner.taught_by for arm, learner in learners.items()},
    )

    assert [(each.arm, each.events) for each in report] == [("control", 60), ("treatment", 60)]
    assert report[0].digest != report[1].digest


def test_feedback_of_another_arm_is_refused_and_teaches_nothing() -> None:
    """The state is the same as before, bit for bit."""
    learner, policy = _learner("control")
    before = policy.to_state()

    with pytest.raises(
        LeakError, match="arm `treatment` was given to the learner of arm `control`"
    ) as refused:
        learner.learn(_stamped("treatment", 0), generator=np.random.default_rng(1))

    assert (refused.value.code, refused.value.exit_code) == ("EXP104", ExitCode.BAD_VERDICT)
    assert policy.to_state() == before
    assert len(learner.taught_by) == 0


@pytest.mark.parametrize("name", POLICIES)
def test_nothing_that_happens_in_one_arm_moves_the_other(name: str) -> None:
    """The behaviour itself: with all rewards of the treatment turned round, the control is the same bit for bit."""
    states = {}
    for turned in (False, True):
        learners = {arm: _learner(arm, name) for arm in ARMS}
        for number, arm in enumerate(ARMS * 4):
            stamped = _stamped(arm, 20 * number, seed=number)
            if turned and arm == "treatment":
                turned_round = Feedback(
                    **{
                        field: getattr(stamped.feedback, field)
                        for field in Feedback.__slots__
                        if field != "rewards"
                    },
                    rewards=1.0 - stamped.feedback.rewards,
                )
                stamped = Stamped(arm=arm, events=stamped.events, feedback=turned_round)
            learners[arm][0].learn(stamped, generator=np.random.default_rng(number))
        states[turned] = {arm: learners[arm][1].to_state() for arm in ARMS}

    assert states[False]["control"] == states[True]["control"]
    assert name == "random" or states[False]["treatment"] != states[True]["treatment"]


@given(leak=st.integers(0, 39), kind=st.sampled_from(["foreign", "missing", "twice", "nobody"]))
@settings(max_examples=40, deadline=None)
def test_a_single_event_out_of_place_is_found(leak: int, kind: str) -> None:
    """One of forty: taught to the other arm, to none, twice, or of no arm at all."""
    settled = {"control": np.arange(40), "treatment": np.arange(100, 140)}
    taught = {arm: events.copy() for arm, events in settled.items()}
    match kind:
        case "foreign":
            taught["treatment"] = np.append(taught["treatment"], leak)
        case "missing":
            taught["control"] = np.delete(taught["control"], leak)
        case "twice":
            taught["control"] = np.append(taught["control"], leak)
        case _:
            taught["control"] = np.append(taught["control"], 500 + leak)

    with pytest.raises(LeakError) as refused:
        check_isolation(settled=settled, taught=taught)

    said = {
        "foreign": f"1 event (such as {leak}) of arm `control` taught arm `treatment`",
        "missing": f"1 event (such as {leak}) of arm `control` never taught it",
        "twice": "arm `control` learned 1 times from an event that it knew",
        "nobody": f"1 event (such as {500 + leak}) of nobody's taught arm `control`",
    }
    assert refused.value.why == said[kind]


def test_a_warm_up_may_teach_everybody() -> None:
    """Its events are named; any others that both arms learned from are a leak."""
    both = {arm: np.r_[0:10, start : start + 10] for arm, start in (("control", 10), ("treatment", 20))}
    settled = {"control": np.arange(10, 20), "treatment": np.arange(20, 30)}

    assert len(check_isolation(settled=settled, taught=both, allowed=np.arange(10))) == 2
    with pytest.raises(LeakError, match="not isolated"):
        check_isolation(settled=settled, taught=both, allowed=np.arange(9))


def test_an_arm_whose_learner_is_missing_is_found() -> None:
    """Its events taught nobody."""
    with pytest.raises(LeakError) as refused:
        check_isolation(
            settled={"control": np.arange(3), "other": np.arange(3, 6)}, taught={"control": np.arange(3)}
        )

    assert refused.value.why == "arm `other` has events, but no learner"


def test_arms_that_share_a_learner_are_refused() -> None:
    """Wrapped or not."""
    learner, policy = _learner("control")

    require_separate({"control": learner, "treatment": _learner("treatment")[0]})
    for shared in (policy, learner, IsolatedLearner(policy, arm="treatment")):
        with pytest.raises(LeakError) as refused:
            require_separate({"control": learner, "treatment": shared})
        assert refused.value.code == "EXP105"


def test_rows_without_ids_are_refused() -> None:
    """What has no id cannot be shown to have stayed at home."""
    learner, _ = _learner("control")
    stamped = Stamped(arm="control", events=np.arange(3), feedback=_stamped("control", 0).feedback)

    with pytest.raises(UsageError, match="20 rows of feedback have 3 ids"):
        learner.learn(stamped, generator=np.random.default_rng(1))
