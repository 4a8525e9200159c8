"""Who judges a part: the server, or the station's own engine while the server is away, or nobody."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from lineside.client import InspectionAnswer
from lineside.client.clock import Clock
from lineside.inspection.verdict import ReasonCode
from lineside.station.agent.errors import NotJudged, OtherRecipe, ServerAway
from lineside.station.agent.parts import TakenPart
from lineside.station.agent.server_judge import ServerJudge
from lineside.station.agent.server_watch import ServerWatch
from lineside.station.agent.workers import Workers
from lineside.station.spool import JudgedView, PartContext, StationJudgement, UsedRecipe


class OwnJudge(Protocol):
    """The station's own engine."""

    def why_not_for(self, context: PartContext, recipe: UsedRecipe | None) -> str | None:
        """Why it cannot judge what is made by this recipe; None if it can."""
        ...

    def judge(
        self, views: Mapping[str, JudgedView], *, context: PartContext, recipe: UsedRecipe | None
    ) -> StationJudgement:
        """The verdict of the last verified deployment; blocks."""
        ...


@dataclass(frozen=True, slots=True)
class FailoverRule:
    """What happens while the server is away.

    Attributes:
        judges_itself: whether the own engine then judges; else such parts are NOT_INSPECTED.
        reserve_s: how much of a part's time is kept for it.
    """

    judges_itself: bool
    reserve_s: float


@dataclass(frozen=True, slots=True)
class Judges:
    """Asks the server first and, by rule, the own engine.

    Attributes:
        server: asks it.
        watch: whether it is there: while it is known to be away no part waits for it.
        own: the own engine; None where there is none.
        rule: when it may judge.
        clock: the station's.
        workers: where the own engine runs.
        on_away: told when the server was found to be away.
        on_other_recipe: told when the server judges by another recipe than the station knows.
    """

    server: ServerJudge
    watch: ServerWatch
    own: OwnJudge | None
    rule: FailoverRule
    clock: Clock
    workers: Workers
    on_away: Callable[[], None]
    on_other_recipe: Callable[[], None]

    async def judge(
        self, part: TakenPart, *, until_s: float, before_asking: Callable[[], Awaitable[None]]
    ) -> InspectionAnswer | StationJudgement:
        """The part's verdict.

        Args:
            part: with all its views.
            until_s: on the station's monotonic clock, when a verdict is of no use any more.
            before_asking: awaited before anything goes to the server: writes down that it may come to hold a verdict.

        Raises:
            NotJudged: nobody could judge it in time.
        """
        context, recipe = part.making.context, part.making.recipe
        falls_back = self.rule.judges_itself and self.own is not None and self.own.why_not_for(context, recipe) is None
        if not self.watch.is_away:
            await before_asking()
            try:
                answer = await self.server.judge(part, until_s=until_s - (self.rule.reserve_s if falls_back else 0.0))
            except ServerAway as away:
                if away.code is not ReasonCode.SHED:
                    self.watch.note_away(str(away))
                    self.on_away()
                if not falls_back:
                    raise
            except OtherRecipe:
                self.watch.note_answer()
                self.on_other_recipe()
                raise
            else:
                self.watch.note_answer()
                return answer
        if not self.rule.judges_itself or self.own is None:
            raise NotJudged("the server is away, and the station may not judge by itself", code=ReasonCode.NO_SERVER)
        why_not = self.own.why_not_for(context, recipe)
        if why_not is not None:
            raise NotJudged(
                f"the server is away, and the station cannot judge by itself: {why_not}", code=ReasonCode.NO_SERVER
            )
        return await self.workers.on_pictures(self.own.judge, part.views, context=context, recipe=recipe)
