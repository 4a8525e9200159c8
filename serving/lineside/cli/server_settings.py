"""The server's settings from options and `LINESIDE_*` variables."""

from typing import TYPE_CHECKING, Any

from lineside.inspection.errors import LinesideError

if TYPE_CHECKING:
    from lineside.serving.settings import Settings


class SettingsRefused(LinesideError, ValueError):
    """An option or a `LINESIDE_*` variable has a value that the server cannot work with."""


def read_settings(**options: Any) -> "Settings":
    """Settings from the options that were given (those that are not None), the environment, and defaults.

    Raises:
        SettingsRefused: naming the setting and what is expected.
    """
    from pydantic import ValidationError

    from lineside.serving.settings import Settings

    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(step) for step in first["loc"])
        raise SettingsRefused(f"setting {name} (LINESIDE_{name.upper()}): {first['msg']}") from error
