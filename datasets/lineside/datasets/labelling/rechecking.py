"""Asking people to look at a task again: a note that they see, and what another model finds as a suggestion.

Asking twice for the same changes nothing; asking anew replaces the note and the suggestion.
"""

from lineside.datasets.labelling.config import FACTS
from lineside.datasets.labelling.connection import Connection
from lineside.datasets.labelling.errors import AnswerUnreadable
from lineside.datasets.labelling.records import Json

CHECK = "check"
"""The key of the note in a task's data: Label Studio's list of tasks has a column of it, to filter by."""
CHECK_VERSION = "label check"
"""As the suggestion's model version."""

_AGAIN = "  ·  check again: "


def ask_again(connection: Connection, task_id: int, *, note: str, prediction: Json) -> bool:
    """Ask people to look at a task again.

    The suggestion goes first: a note without it would send people to look at nothing.

    Args:
        connection: to Label Studio.
        task_id: Label Studio's own id.
        note: what is in doubt, one line.
        prediction: as `prediction_json` makes it, its model version `CHECK_VERSION`.

    Returns:
        Whether anything changed; False where just this was asked before.

    Raises:
        LabellingError: what went wrong; `TryStudioLater` errors may be repeated.
    """
    task = connection.get(f"api/tasks/{task_id}/")
    try:
        data: Json = dict(task["data"])
        earlier = [each["id"] for each in task["predictions"] if each["model_version"] == CHECK_VERSION]
    except (KeyError, TypeError) as error:
        raise AnswerUnreadable(
            f"task {task_id} has no data or predictions ({error!r}); is that Label Studio?"
        ) from error
    if data.get(CHECK) == note:
        return False
    for number in earlier:
        connection.change("DELETE", f"api/predictions/{number}/")
    connection.change_once("POST", "api/predictions/", {**prediction, "task": task_id})
    facts = str(data.get(FACTS, "")).split(_AGAIN, maxsplit=1)[0]
    connection.change(
        "PATCH", f"api/tasks/{task_id}/", {"data": {**data, CHECK: note, FACTS: f"{facts}{_AGAIN}{note}"}}
    )
    return True
