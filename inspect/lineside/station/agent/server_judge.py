"""The server as the judge of a part: every view handed in, one answer, and proof that it is this part's."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from lineside.client import (
    ClientError,
    InspectionAnswer,
    LinesideClient,
    NothingThere,
    Pending,
    Shed,
    TryAgainLater,
)
from lineside.client.clock import Clock
from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.station.agent.errors import NotJudged, OtherRecipe, ServerAway, WrongAnswer
from lineside.station.agent.parts import TakenPart
from lineside.station.spool import UsedRecipe

_ASK_AGAIN_S = 0.02


@dataclass(frozen=True, slots=True)
class ServerJudge:
    """Asks the server for a part's verdict.

    Attributes:
        client: entered by the caller, with a key of role station.
        station: whose parts.
        clock: the station's.
    """

    client: LinesideClient
    station: str
    clock: Clock

    async def judge(self, part: TakenPart, *, until_s: float) -> InspectionAnswer:
        """Hand in all views at once and wait for the verdict.

        Args:
            part: with all its views.
            until_s: on the station's monotonic clock, when an answer is of no use any more.

        Raises:
            ServerAway: no answer that counts came in time.
            WrongAnswer: the answer is of another part, station or picture, or misses a view.
            OtherRecipe: what is made has changed, and the station did not know it at the part's trigger.
            NotJudged: the server refuses.
        """
        left_s = until_s - self.clock.monotonic()
        if left_s <= 0:
            raise ServerAway("no time was left to ask the server", code=ReasonCode.LATE, may_have_judged=False)
        outcomes = await asyncio.gather(
            *(self._send(part, view, give_up_after_s=left_s) for view in part.views), return_exceptions=True
        )
        answer: InspectionAnswer | None = None
        pending: Pending | None = None
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise _as_not_judged(outcome) from outcome
            if isinstance(outcome, Pending):
                pending = _nearer(pending, outcome)
            else:
                answer = outcome
        if answer is None and pending is not None:
            answer = await self._closed(pending, until_s=until_s)
        if answer is None:
            raise WrongAnswer("the server answered nothing", code=ReasonCode.STATION_FAULT)
        self._check(part, answer)
        return answer

    async def _send(self, part: TakenPart, view: str, *, give_up_after_s: float) -> InspectionAnswer | Pending:
        taken = part.views[view]
        return await self.client.inspect(
            taken.encoded.body,
            taken.encoded.media_type,
            station=self.station,
            part_id=part.part_id,
            view=view,
            sequence=taken.sequence,
            captured_at=taken.encoded.captured_at,
            encoder=part.encoder,
            raw=taken.encoded.raw,
            idempotency_key=part.key_of(view),
            give_up_after_s=give_up_after_s,
        )

    async def _closed(self, pending: Pending, *, until_s: float) -> InspectionAnswer:
        """The verdict of an attempt whose frames are all there, but whose answer went to nobody."""
        if pending.missing_views:
            raise WrongAnswer(
                f"the server still waits for {', '.join(pending.missing_views)}: does the recipe ask for more views "
                "than the station has cameras?",
                code=ReasonCode.MISSING_VIEW,
            )
        while self.clock.monotonic() < until_s:
            try:
                return await self.client.inspection(pending.id)
            except NothingThere:
                await asyncio.sleep(_ASK_AGAIN_S)
            except ClientError as error:
                raise _as_not_judged(error) from error
        raise ServerAway("the verdict came not in time", code=ReasonCode.LATE, may_have_judged=True)

    def _check(self, part: TakenPart, answer: InspectionAnswer) -> None:
        """Refuse an answer unless it is about exactly the pictures that were sent, by the part's own recipe."""
        if (answer.station, answer.part_id) != (self.station, part.part_id):
            raise WrongAnswer(
                f"the server answered for part {answer.part_id!r} of station {answer.station!r}; asked was "
                f"{part.part_id!r} of {self.station!r}",
                code=ReasonCode.STATION_FAULT,
            )
        judged = {frame.view: frame.digest for frame in answer.frames}
        sent = part.digests
        is_no_finding = answer.verdict is Verdict.NOT_INSPECTED and judged.items() <= sent.items()
        if judged != sent and not is_no_finding:
            raise WrongAnswer(
                f"the server judged other pictures of part {part.part_id!r} than were sent: {_differing(judged, sent)}",
                code=ReasonCode.STATION_FAULT,
            )
        bound = (part.making.context.product, part.making.recipe)
        recipe = None if answer.recipe is None else UsedRecipe(answer.recipe.id, answer.recipe.version)
        if answer.verdict is not Verdict.NOT_INSPECTED and (answer.product, recipe) != bound:
            # before it knows what is made, the station does not ask for the masters that a changeover asks for
            raise OtherRecipe(
                f"the server judged product {answer.product!r} by {_named(recipe)}; at the trigger of part "
                f"{part.part_id!r} the station made product {bound[0]!r} by {_named(bound[1])}: inspect the part again",
                code=ReasonCode.NO_RECIPE,
            )


def _nearer(known: Pending | None, other: Pending) -> Pending:
    """Of two answers the later one: the one that misses fewer views."""
    return other if known is None or len(other.missing_views) < len(known.missing_views) else known


def _differing(judged: Mapping[str, str], sent: Mapping[str, str]) -> str:
    views = sorted(view for view in judged.keys() | sent.keys() if judged.get(view) != sent.get(view))
    return f"view {', '.join(views)}"


def _named(recipe: UsedRecipe | None) -> str:
    return "no recipe" if recipe is None else f"recipe {recipe.id!r} version {recipe.version}"


def _as_not_judged(error: BaseException) -> BaseException:
    if isinstance(error, Shed):
        return ServerAway(f"the server had no room: {error}", code=ReasonCode.SHED, may_have_judged=True)
    if isinstance(error, TryAgainLater):
        return ServerAway(f"the server is away: {error}", code=ReasonCode.NO_SERVER, may_have_judged=True)
    if isinstance(error, ClientError):
        return NotJudged(f"the server refused the part: {error}", code=ReasonCode.STATION_FAULT)
    return error
