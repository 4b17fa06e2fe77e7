"""The walk as an environment of Gymnasium."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest

from hounsfield.errors import MissingExtraError, ShapeError

gymnasium = pytest.importorskip("gymnasium")


@pytest.mark.parametrize("shape", [(20, 30), (8, 12, 10)])
def test_gymnasium_accepts_it(shape: tuple[int, ...]) -> None:
    from gymnasium.utils.env_checker import check_env

    from hounsfield.learning.walk_environment import LandmarkWalk

    voxels = np.random.default_rng(0).random(shape)
    walk = LandmarkWalk(voxels, [side / 2 for side in shape], window=9)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would like spaces that reach from -1 to 1
        check_env(walk, skip_render_check=True)


def test_an_agent_that_goes_to_the_goal_is_rewarded_and_arrives() -> None:
    from hounsfield.learning.walk_environment import LandmarkWalk

    walk = LandmarkWalk(np.eye(12), (6.5, 9.5), window=5)
    _, told = walk.reset(options={"place": (6.5, 6.0)})
    assert told["place"].tolist() == [6.5, 6.5]  # the pixel's middle
    rewards, arrived = [], False
    while not arrived:
        seen, reward, arrived, too_long, told = walk.step(np.int64(3))
        rewards.append(reward)
        assert not too_long and seen.shape == (5, 5)

    assert rewards == [1.0, 1.0, 1.0]
    assert told["place"].tolist() == [6.5, 9.5]
    walk.reset(options={"place": (6.5, 6.0)})
    assert walk.step(np.int64(2))[1] == -1.0


def test_a_walk_without_end_is_cut_short() -> None:
    from hounsfield.learning.walk_environment import STEPS, LandmarkWalk

    walk = LandmarkWalk(np.eye(12), (11.5, 11.5), window=5)
    walk.reset(options={"place": (0.5, 0.5)})
    ends = [walk.step(np.int64(0))[2:4] for _ in range(STEPS)]

    assert ends[-2:] == [(False, False), (False, True)]


def test_a_goal_outside_and_a_missing_package_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from hounsfield.learning.walk_environment import LandmarkWalk

    with pytest.raises(ShapeError, match="does not lie in an image"):
        LandmarkWalk(np.eye(12), (6.5, 13.0))
    monkeypatch.delitem(sys.modules, "hounsfield.learning.walk_environment")
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(MissingExtraError, match=r"hounsfield\[reinforcement\]"):
        import hounsfield.learning.walk_environment  # noqa: F401
