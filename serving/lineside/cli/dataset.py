"""`lineside dataset`: labelled images in and out, as revisions that nothing changes."""

import typer

from lineside.cli.dataset_augment import augment
from lineside.cli.dataset_check import check, show
from lineside.cli.dataset_export import export
from lineside.cli.dataset_import import import_images
from lineside.cli.dataset_revision import revision_app
from lineside.cli.dataset_split import split
from lineside.cli.dataset_synthetic import synthetic

dataset_app = typer.Typer(
    name="dataset",
    help="Import, check, split and export labelled images.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
dataset_app.command(name="import")(import_images)
dataset_app.command()(check)
dataset_app.command()(show)
dataset_app.command()(split)
dataset_app.command()(export)
dataset_app.command()(augment)
dataset_app.command()(synthetic)
dataset_app.add_typer(revision_app)
