"""The client's calls about what would be if: asking, and waiting for the answer."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lineside.client.calls import Calls, Json, json_object, path_segment

_ASK_EVERY_S: Final = 0.25
_UNANSWERED: Final = frozenset({"queued", "running"})


class ScenarioCalls(Calls):
    """Asks what-if questions."""

    async def ask_scenario(self, question: Mapping[str, Any]) -> Json:
        """Ask, as the API's JSON has it: `station`, `costs`, `options` and what else is known."""
        return await self._change("POST", "/v1/twin/scenarios", question)

    async def scenario(self, scenario_id: str) -> Json:
        """One question and how far it is."""
        return json_object(await self._get(f"/v1/twin/scenarios/{path_segment(scenario_id)}"))

    async def scenarios(self, **asked: str | int) -> Sequence[Json]:
        """What was asked, newest first; `station`, `state` and `limit` narrow it."""
        items: Sequence[Json] = json_object(await self._get("/v1/twin/scenarios", asked))["items"]
        return items

    async def answered_scenario(self, scenario_id: str) -> Json:
        """Wait for a question's end, however long it takes: whoever waits sets the limit."""
        while True:
            found = await self.scenario(scenario_id)
            if found["state"] not in _UNANSWERED:
                return found
            await asyncio.sleep(_ASK_EVERY_S)
