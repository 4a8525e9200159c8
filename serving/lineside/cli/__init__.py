"""The `lineside` command."""

from lineside.cli.main import app, main

__all__ = ["app", "main"]
