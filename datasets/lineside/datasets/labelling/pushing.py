"""Making tasks in batches: four requests for up to 90 pictures, and nothing twice.

A batch is: which of its ids are there already, one upload of all pictures, their paths, one import. Label Studio does
the import of a batch wholly or not at all. After a failure that leaves open whether it was done, the first step is
asked again before anything is sent.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from lineside.datasets.labelling import answers
from lineside.datasets.labelling.connection import Connection, UploadFile
from lineside.datasets.labelling.errors import AnswerUnreadable, LabelTaskRefused, StudioSlow, TryStudioLater
from lineside.datasets.labelling.predictions import import_json
from lineside.datasets.labelling.pulling import copies_of
from lineside.datasets.labelling.records import LabelTaskImage

FILES_A_BATCH = 90
"""Label Studio refuses requests of more than 100 files."""

BYTES_A_BATCH = 32 * 1024 * 1024
"""Of pictures; Label Studio refuses requests above 250 MB, and proxies in front of it earlier."""


def push_batches(
    connection: Connection, project_id: int, tasks: Iterable[LabelTaskImage]
) -> Iterator[Mapping[UUID, int]]:
    """Make the tasks that are not there yet, batch by batch; each answer has every task of its batch.

    Raises:
        LabelTaskRefused: two tasks have one id, or a predicted box is not on its picture.
    """
    for batch in batches(tasks):
        yield _push(connection, project_id, batch)


def one_of_each(connection: Connection, project_id: int, uuids: Collection[UUID]) -> dict[UUID, int]:
    """Task ids of our ids, those that are there; copies that nobody labelled are deleted.

    Copies come from an import that went on after its caller had given up, and from people who duplicate tasks. Where
    people labelled several, all stay.
    """
    there = copies_of(connection, project_id, uuids)
    surplus = [copy.id for copies in there.values() for copy in copies[1:] if copy.annotation_count == 0]
    delete_tasks(connection, project_id, surplus)
    return {uuid: copies[0].id for uuid, copies in there.items()}


def delete_tasks(connection: Connection, project_id: int, task_ids: Collection[int]) -> None:
    """Delete tasks with all their annotations; none changes nothing."""
    if not task_ids:
        return
    selected = {"selectedItems": {"all": False, "included": sorted(task_ids)}}
    connection.change("POST", "api/dm/actions", selected, params={"id": "delete_tasks", "project": project_id})


def batches(tasks: Iterable[LabelTaskImage]) -> Iterator[list[LabelTaskImage]]:
    """Tasks in groups that one upload takes; a picture that several share counts once."""
    batch: list[LabelTaskImage] = []
    files: dict[str, int] = {}
    for task in tasks:
        added = {_file_name(png): len(png) for png in _pictures(task)}
        together = files | added
        if batch and (len(together) > FILES_A_BATCH or sum(together.values()) > BYTES_A_BATCH):
            yield batch
            batch, together = [], added
        batch.append(task)
        files = together
    if batch:
        yield batch


def _push(connection: Connection, project_id: int, batch: Sequence[LabelTaskImage]) -> Mapping[UUID, int]:
    uuids = [task.uuid for task in batch]
    if len(set(uuids)) < len(uuids):
        twice = next(uuid for uuid in uuids if uuids.count(uuid) > 1)
        raise LabelTaskRefused(f"two tasks to push have the id {twice}; each needs its own")
    for task in batch:
        import_json(task, image_path="", reference_path=None)  # refused before anything is sent
    paths: dict[str, str] = {}
    waits_s = connection.tries.waits_s()
    while True:
        made = one_of_each(connection, project_id, uuids)
        missing = [task for task in batch if task.uuid not in made]
        if not missing:
            return made
        if not paths:
            paths = _upload(connection, project_id, missing)
        try:
            return made | _import(connection, project_id, missing, paths)
        except StudioSlow:
            raise  # the import may still be at work over there: a later push finds what it made
        except TryStudioLater:
            wait_s = next(waits_s, None)
            if wait_s is None:
                raise
            connection.sleep(wait_s)


def _upload(connection: Connection, project_id: int, tasks: Sequence[LabelTaskImage]) -> dict[str, str]:
    """File name -> path on the server; a reference that several tasks share goes once."""
    files: dict[str, UploadFile] = {}
    for task in tasks:
        for png in _pictures(task):
            name = _file_name(png)
            files[name] = (name, png, "image/png")
    sent = connection.upload(
        f"api/projects/{project_id}/import", list(files.values()), params={"commit_to_project": "false"}
    )
    ids = answers.read_uploaded(sent)
    if len(ids) != len(files):
        raise AnswerUnreadable(f"Label Studio kept {len(ids)} of {len(files)} uploaded pictures")
    asked = {"ids": "[" + ",".join(map(str, ids)) + "]"}
    where = answers.read_file_paths(connection.get(f"api/projects/{project_id}/file-uploads", asked))
    if missing := set(ids) - where.keys():
        raise AnswerUnreadable(f"Label Studio does not know {len(missing)} of the pictures that it took")
    return {name: where[upload] for name, upload in zip(files, ids, strict=True)}


def _import(
    connection: Connection, project_id: int, tasks: Sequence[LabelTaskImage], paths: Mapping[str, str]
) -> dict[UUID, int]:
    content = [
        import_json(
            task,
            image_path=paths[_file_name(task.image_png)],
            reference_path=None if task.reference_png is None else paths[_file_name(task.reference_png)],
        )
        for task in tasks
    ]
    answer = connection.change_once(
        "POST", f"api/projects/{project_id}/import", content, params={"return_task_ids": "true"}
    )
    ids = answers.read_imported(answer)
    if len(ids) != len(tasks):
        raise AnswerUnreadable(f"Label Studio made {len(ids)} of {len(tasks)} tasks")
    return {task.uuid: task_id for task, task_id in zip(tasks, ids, strict=True)}


def _pictures(task: LabelTaskImage) -> list[bytes]:
    return [task.image_png] if task.reference_png is None else [task.image_png, task.reference_png]


def _file_name(png: bytes) -> str:
    return f"{hashlib.sha256(png).hexdigest()[:32]}.png"
