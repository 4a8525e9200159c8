"""The inspection server: `create_app(settings)` gives its HTTP application."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineside.serving.app import create_app
    from lineside.serving.settings import Settings

__all__ = ["Settings", "create_app"]


def __getattr__(name: str) -> Any:
    """Import on first use: who needs only the ledger or the keys loads no web framework and no engine."""
    if name == "create_app":
        from lineside.serving.app import create_app

        return create_app
    if name == "Settings":
        from lineside.serving.settings import Settings

        return Settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
