"""The client's calls about the labelling loop: projects, candidates, picks, tasks and what needs a person."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from lineside.client.calls import Calls, Json, json_object, path_segment

MOST_ITEMS: Final = 500
"""Of one request to these routes; more are sent in several."""

_PATIENCE_S: Final = 60.0
"""For requests with many items: each of them may become a review."""


class LabelCalls(Calls):
    """Asks and says where labelling stands. Every call may be repeated: what is known already changes nothing."""

    async def label_projects(self) -> Sequence[Json]:
        """Every labelling project."""
        items: Sequence[Json] = json_object(await self._get("/v1/label-projects"))["items"]
        return items

    async def label_project(self, name: str) -> Json:
        """One labelling project."""
        return json_object(await self._get(f"/v1/label-projects/{path_segment(name)}"))

    async def put_label_project(self, name: str, **changes: Any) -> Json:
        """Make a project, or change what is named.

        Args:
            name: the project's.
            changes: as the API's JSON has them: `label_studio_url`, `label_studio_project_id`, `catalogue`,
                `classes`, `revision`, `revision_change`, `cursor`, `pulled_at`, `hinted_at`, `webhook`; instants in
                ISO 8601 with their offset.
        """
        return await self._change("PUT", f"/v1/label-projects/{path_segment(name)}", changes)

    async def lease_label_project(self, name: str, *, holder: str, purpose: str, seconds: float) -> Json:
        """Work on a project alone for a while; the same holder renews it in the same way.

        Args:
            name: the project's.
            holder: who, one name for one run of a program.
            purpose: "push", "pull" or "queue".
            seconds: for how long, up to an hour.

        Raises:
            Contradicted: somebody else works on it; the message says who, at what and until when.
        """
        content = {"holder": holder, "purpose": purpose, "seconds": seconds}
        return await self._change("POST", f"/v1/label-projects/{path_segment(name)}/lease", content)

    async def end_label_lease(self, name: str, *, holder: str) -> None:
        """Let a project go."""
        path = f"/v1/label-projects/{path_segment(name)}/lease"
        request = self._http.build_request("DELETE", path, params={"holder": holder})
        await self._sender.send(request, give_up_after_s=self._timeout_s)

    def label_candidates(self, project: str, **asked: str | int) -> AsyncIterator[Json]:
        """Inspections that may be picked for a project, oldest verdict first, page after page.

        Args:
            project: for which they are not picked yet.
            asked: the query of `GET /v1/label-candidates`: `to`, `station`, `product`, `limit` (of a page); `from` is
                a word of Python's and comes as `**{"from": "2026-01-31T06:00:00+00:00"}`.
        """
        return self._pages("/v1/label-candidates", {"project": project, **asked})

    async def put_label_picks(
        self, project: str, items: Sequence[Mapping[str, Any]], *, seed: int, picked_by: str | None = None
    ) -> Sequence[Json]:
        """Pick inspections; each with its pick's `id` and whether it `is_new`.

        Args:
            project: for which.
            items: `inspection_id`, `reason`, and where known `probability` and `score`.
            seed: of the queue that chose them.
            picked_by: by default the name of the key.
        """
        said = {"project": project, "seed": seed, "picked_by": picked_by}
        return await self._in_several("/v1/label-picks", said, items)

    def label_picks(
        self, project: str, *, state: str | None = None, after_change: int | None = None, limit: int = 200
    ) -> AsyncIterator[Json]:
        """Picks with their inspections' facts, tasks and labels, page after page.

        Args:
            project: for which.
            state: only "waiting", "pushed", "labelled", "attention" or "withdrawn" ones.
            after_change: only those whose label changed after this `change`, in that order; without `state`.
            limit: of a page.
        """
        asked: dict[str, str | int] = {"project": project, "limit": limit}
        if state is not None:
            asked["state"] = state
        if after_change is not None:
            asked["after_change"] = after_change
        return self._pages("/v1/label-picks", asked)

    async def label_pick(self, pick_id: str) -> Json:
        """One pick."""
        return json_object(await self._get(f"/v1/label-picks/{path_segment(pick_id)}"))

    async def withdraw_label_pick(self, pick_id: str, *, by: str, reason: str) -> Json:
        """Take a pick back, for good; the review that its label was is withdrawn."""
        path = f"/v1/label-picks/{path_segment(pick_id)}/withdrawal"
        return await self._change("POST", path, {"by": by, "reason": reason})

    async def put_label_tasks(self, project: str, items: Sequence[Mapping[str, Any]]) -> Sequence[Json]:
        """Make tasks; the tasks of one pick stand together in `items`.

        Args:
            project: whose.
            items: `id`, `pick_id`, `view`, `tile_xyxy_px` (None for the whole frame) and `frame_size_wh_px`.
        """
        made: list[Json] = []
        for some in requests_of_whole_picks(items):
            made += await self._in_several("/v1/label-tasks", {"project": project}, some)
        return made

    def label_tasks(self, project: str, *, pushed: bool | None = None, limit: int = 500) -> AsyncIterator[Json]:
        """Tasks with their last known states; only those that Label Studio has, or has not, where `pushed` says so."""
        asked: dict[str, str | int] = {"project": project, "limit": limit}
        if pushed is not None:
            asked["pushed"] = str(pushed).lower()
        return self._pages("/v1/label-tasks", asked)

    async def mark_label_tasks_pushed(self, project: str, items: Sequence[Mapping[str, Any]]) -> Sequence[Json]:
        """Say which tasks Label Studio has: `id` and `label_studio_task_id`; None for one that is gone there."""
        return await self._in_several("/v1/label-tasks/pushed", {"project": project}, items)

    async def put_label_task_states(self, project: str, items: Sequence[Mapping[str, Any]]) -> Sequence[Json]:
        """Say what Label Studio has of tasks now; each answer has `outcome` and the review that was recorded.

        Args:
            project: whose.
            items: as the API's JSON has them: `id`, `label_studio_task_id`, `updated_at`, `annotations`, `reading`,
                `attention`.
        """
        return await self._in_several("/v1/label-tasks/states", {"project": project}, items)

    def label_attention(
        self, project: str | None = None, *, show: str = "open", limit: int = 200
    ) -> AsyncIterator[Json]:
        """What needs a person, oldest first; `show` is "open", "settled" or "all"."""
        asked: dict[str, str | int] = {"show": show, "limit": limit}
        if project is not None:
            asked["project"] = project
        return self._pages("/v1/label-attention", asked)

    async def put_label_attention(self, project: str, items: Sequence[Mapping[str, Any]]) -> Sequence[Json]:
        """Put things on the list of what needs a person.

        Args:
            project: whose list.
            items: `code`, `message`, and where known `inspection_id`, `pick_id`, `task_id`, `label_studio_task_id`;
                with an `occurrence` the same thing is raised once, settled or not.
        """
        return await self._in_several("/v1/label-attention", {"project": project}, items)

    async def settle_label_attention(self, attention_id: str, *, by: str, note: str) -> Json:
        """Take something off that list: a person looked after it."""
        path = f"/v1/label-attention/{path_segment(attention_id)}/settled"
        return await self._change("POST", path, {"by": by, "note": note})

    async def _in_several(
        self, path: str, said: Mapping[str, Any], items: Sequence[Mapping[str, Any]]
    ) -> Sequence[Json]:
        answers: list[Json] = []
        for start in range(0, len(items), MOST_ITEMS):
            content = {**said, "items": [dict(item) for item in items[start : start + MOST_ITEMS]]}
            patience_s = max(self._timeout_s, _PATIENCE_S)
            answers += (await self._change("POST", path, content, give_up_after_s=patience_s))["items"]
        return answers

    async def _pages(self, path: str, asked: Mapping[str, str | int]) -> AsyncIterator[Json]:
        cursor: str | None = None
        while True:
            page = json_object(await self._get(path, {**asked, **({"cursor": cursor} if cursor else {})}))
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return


def requests_of_whole_picks(items: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Requests that hold all tasks of a pick each: the server takes a pick's tasks only together."""
    requests: list[list[Mapping[str, Any]]] = [[]]
    by_pick: dict[Any, list[Mapping[str, Any]]] = {}
    for item in items:
        by_pick.setdefault(item["pick_id"], []).append(item)
    for tasks in by_pick.values():
        if requests[-1] and len(requests[-1]) + len(tasks) > MOST_ITEMS:
            requests.append([])
        requests[-1] += tasks
    return requests
