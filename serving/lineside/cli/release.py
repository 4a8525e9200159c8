"""`lineside release`: from a training run to a signed model on a line, and back."""

import typer

from lineside.cli.release_build import build
from lineside.cli.release_deploy import promote, push, rollback
from lineside.cli.release_gate import gate
from lineside.cli.release_keys import keys_app
from lineside.cli.release_registry import list_releases, retire, show, sign, verify

release_app = typer.Typer(
    name="release",
    help="Build, sign, promote and roll back releases.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
release_app.command()(build)
release_app.command()(sign)
release_app.command()(verify)
release_app.command(name="list")(list_releases)
release_app.command()(show)
release_app.command()(gate)
release_app.command()(promote)
release_app.command()(rollback)
release_app.command()(push)
release_app.command()(retire)
release_app.add_typer(keys_app)
