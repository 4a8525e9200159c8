"""Label Studio: pictures go there with a model's suggestions, and what people say of them comes back.

`LabelStudio` talks to a server; `read_task` turns what it answers into one reading in pixels of the frame. The SDK (the
extra `labelling`) is imported when the first request is sent, so that everything else works without it.
"""

from lineside.datasets.labelling.backends import BACKEND_TITLE, ConnectedBackend
from lineside.datasets.labelling.config import (
    ConfigDifference,
    ConfigStanding,
    ConfigState,
    config_state,
    project_config,
)
from lineside.datasets.labelling.connection import Tries
from lineside.datasets.labelling.errors import (
    AnswerUnreadable,
    ConfigEdited,
    LabellingError,
    LabelTaskRefused,
    NoToken,
    ProjectAmbiguous,
    ProjectGone,
    StudioFailed,
    StudioNeedsPerson,
    StudioRefused,
    StudioSlow,
    StudioUnreachable,
    TokenRefused,
    TryStudioLater,
)
from lineside.datasets.labelling.geometry import PercentBox, to_percent, to_pixels
from lineside.datasets.labelling.label_studio import LabelStudio
from lineside.datasets.labelling.pictures import judged_pixels, label_png
from lineside.datasets.labelling.predictions import prediction_json, suggestion_version
from lineside.datasets.labelling.reading import AnnotationMark, Attention, AttentionCode, Reading, TaskState, read_task
from lineside.datasets.labelling.records import (
    LabelTaskImage,
    PredictedBox,
    StudioAnnotation,
    StudioProject,
    StudioTask,
)
from lineside.datasets.labelling.tiles import tiles_of
from lineside.datasets.labelling.tokens import TOKEN_VARIABLE, Token, studio_token

__all__ = [
    "BACKEND_TITLE",
    "TOKEN_VARIABLE",
    "AnnotationMark",
    "AnswerUnreadable",
    "Attention",
    "AttentionCode",
    "ConfigDifference",
    "ConfigEdited",
    "ConfigStanding",
    "ConfigState",
    "ConnectedBackend",
    "LabelStudio",
    "LabelTaskImage",
    "LabelTaskRefused",
    "LabellingError",
    "NoToken",
    "PercentBox",
    "PredictedBox",
    "ProjectAmbiguous",
    "ProjectGone",
    "Reading",
    "StudioAnnotation",
    "StudioFailed",
    "StudioNeedsPerson",
    "StudioProject",
    "StudioRefused",
    "StudioSlow",
    "StudioTask",
    "StudioUnreachable",
    "TaskState",
    "Token",
    "TokenRefused",
    "Tries",
    "TryStudioLater",
    "config_state",
    "judged_pixels",
    "label_png",
    "prediction_json",
    "project_config",
    "read_task",
    "studio_token",
    "suggestion_version",
    "tiles_of",
    "to_percent",
    "to_pixels",
]
