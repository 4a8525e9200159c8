"""The file of the queue's shares (YAML): strict, every problem with its line."""

from typing import Annotated, Literal

from pydantic import Field

from lineside.datasets.errors import QueueRefused
from lineside.datasets.sampling.shares import QueueShares
from lineside.inspection.file_models import FileModel, SourceFile

Share = Annotated[float, Field(ge=0, le=1)]


class SharesInFile(FileModel):
    """Shares of the places that audits and operator reports leave, together 1; what is left out gets none."""

    random: Share = Field(default=0.0, description="By lot: the only picks that may judge a model.")
    near_threshold: Share = Field(default=0.0, description="Whose best score lies nearest to its threshold.")
    disagreement: Share = Field(default=0.0, description="Of which two looks say different things.")
    rare_class: Share = Field(default=0.0, description="Of which the model says a class with few labels.")
    diversity: Share = Field(default=0.0, description="That show most different things among the uncertain.")
    novelty: Share = Field(default=0.0, description="That look least like anything labelled.")


class QueueFile(FileModel):
    """How a day's queue is divided."""

    schema_name: Literal["lineside.queue/1"] = Field(alias="schema")
    shares: SharesInFile


def load_shares(text: str, *, source: str = "the queue file") -> QueueShares:
    """Read a file of shares.

    ```yaml
    schema: lineside.queue/1
    shares: {random: 0.3, near_threshold: 0.5, novelty: 0.2}
    ```

    Args:
        text: the file's.
        source: what to call it in messages.

    Raises:
        QueueRefused: naming key path and line, what was found and what is expected.
    """
    file = SourceFile(text, source=source, error=QueueRefused)
    content = file.parse(QueueFile)
    try:
        return QueueShares(**content.shares.model_dump())
    except QueueRefused as error:
        raise file.problem(("shares",), str(error)) from error
