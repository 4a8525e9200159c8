"""`what-if.yaml`: which alarms ask the model of their station, and what. Without it none does."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from lineside.inspection.file_models import FileModel, SourceFile
from lineside.serving.errors import WhatIfFileInvalid
from lineside.serving.fields import Name
from lineside.serving.twin.scenarios.schemas import QuestionIn

AlarmName = Literal["chart_signal", "drift_alarm", "image_alarm", "rate"]

EVENT_TYPES: Final = {
    "chart_signal": "chart_signal.v1",
    "drift_alarm": "drift_alarm.v1",
    "image_alarm": "image_alarm.v1",
    "rate": "rate.v1",
}


class WhatIfFile(FileModel):
    """The whole file."""

    schema_name: Literal["lineside.what-if/1"] = Field(alias="schema")
    alarms: Annotated[list[AlarmName], Field(min_length=1)] = Field(
        description="Which of them ask; `rate` does where the lower end of a window's rate is above `rate_above`."
    )
    rate_above: Annotated[float, Field(gt=0, lt=1)] | None = None
    stations: Annotated[list[Name], Field(min_length=1)] | None = Field(
        default=None, description="Only alarms of these; all by default."
    )
    pause_hours: Annotated[float, Field(ge=0, le=168)] = Field(
        default=8.0, description="An alarm asks of a station only so long after the last one that did."
    )
    propose: bool = Field(default=True, description="Put the cheapest option before a person.")
    question: QuestionIn

    @model_validator(mode="before")
    @classmethod
    def _question_by_its_own_rules(cls, data: Any) -> Any:
        """The API's shape converts lists and instants; a file's does not."""
        if isinstance(data, dict) and isinstance(data.get("question"), dict):
            return {**data, "question": QuestionIn.model_validate(data["question"])}
        return data

    @model_validator(mode="after")
    def _rate_has_a_limit(self) -> "WhatIfFile":
        if ("rate" in self.alarms) is not (self.rate_above is not None):
            raise ValueError("rate_above belongs to the alarm 'rate': give both or none")
        return self


def what_if_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the file, for editors that complete and check it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:lineside:what-if:1",
        **WhatIfFile.model_json_schema(by_alias=True),
    }


def read_what_if_file(path: Path | None) -> WhatIfFile | None:
    """Read the file; None where there is none.

    Raises:
        WhatIfFileInvalid: naming the place and what is expected there.
    """
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise WhatIfFileInvalid(f"{path}: not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise WhatIfFileInvalid(f"{path}: {error.strerror}; give a file that can be read, or none") from error
    return SourceFile(text, source=str(path), error=WhatIfFileInvalid).parse(WhatIfFile)
