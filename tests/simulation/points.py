"""The product's own failpoints, armed by the simulation: kill, freeze, raise or slow down exactly there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkstar_runtime.failpoints import Action, Failpoints
from simulation.loop import PROCESS
from simulation.replica import Replica

if TYPE_CHECKING:
    from simulation.world import World

__all__ = ["Points"]

MAY_RAISE = frozenset({
    "stage.after_poll", "stage.after_commit", "stage.commit_reply_lost", "stage.after_ack", "kafka.commit_fails",
    "claim.after_epoch", "claim.drain_partial", "claim.before_seek", "http.before_commit", "http.after_commit",
})  # fmt: skip
"""Where an unforeseen error may appear. Inside the batch's transaction it would be taken for a handler's bug."""


class Points(Failpoints):
    """Decides at every point that a replica passes."""

    def __init__(self, world: World) -> None:
        super().__init__("")
        self._world = world

    def due(self, name: str) -> Action | None:
        self.hits[name] += 1
        replica, world = PROCESS.get(), self._world
        if not isinstance(replica, Replica) or world.chance.calm:
            return None
        chance, rates = world.chance, world.rates
        if chance.hit("point_kill", rates.point_kill):
            replica.die(name)
            return Action("sleep", 1.0)
        if chance.hit("point_freeze", rates.point_freeze):
            seconds = chance.choice((0.5, 2.0, 6.0, 9.0))
            world.log(replica.name, "frozen", name, seconds)
            replica.freeze(seconds)
            return Action("sleep", 0.0001)
        if name in MAY_RAISE and chance.hit("point_raise", rates.point_raise):
            world.log(replica.name, "raises", name)
            return Action("raise", 0.0)
        if chance.hit("point_slow", 0.2 if name == "http.before_commit" else rates.point_slow):
            return Action("sleep", chance.choice((0.0, 0.01, 0.3, 2.0)))
        return None
