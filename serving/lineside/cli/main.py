"""The command's root: its subcommands, and what an error looks like on a terminal."""

import sys

import typer

from lineside.cli.camera import camera_app
from lineside.cli.capability import capability_app
from lineside.cli.chart import chart
from lineside.cli.dataset import dataset_app
from lineside.cli.delivery import delivery_app
from lineside.cli.demo import demo_app
from lineside.cli.deployments import deployments_app
from lineside.cli.drift import drift_app
from lineside.cli.evaluate import evaluate
from lineside.cli.export import export
from lineside.cli.holds import holds_app
from lineside.cli.inspect_parts import inspect
from lineside.cli.keys import keys_app
from lineside.cli.known_parts import known_parts_app
from lineside.cli.labels import labels_app
from lineside.cli.mes import mes_app
from lineside.cli.opcua import opcua_app
from lineside.cli.parity import parity
from lineside.cli.pod import pod_app
from lineside.cli.predict import predict
from lineside.cli.proposals import proposals_app
from lineside.cli.rates import rates
from lineside.cli.recipe import recipe_app
from lineside.cli.release import release_app
from lineside.cli.retrain import retrain
from lineside.cli.serve import serve
from lineside.cli.station import station_app
from lineside.cli.threshold import threshold_app
from lineside.cli.train import train
from lineside.cli.twin import twin_app
from lineside.cli.version import version
from lineside.cli.web import web_app
from lineside.inspection.errors import LinesideError

app = typer.Typer(
    name="lineside",
    help="Visual quality inspection for production lines: a verdict for every part, and nothing lost.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(demo_app)
app.command()(serve)
app.command()(inspect)
app.command()(predict)
app.command()(train)
app.command()(retrain)
app.command()(evaluate)
app.command()(export)
app.command()(parity)
app.add_typer(camera_app)
app.add_typer(station_app)
app.add_typer(dataset_app)
app.add_typer(labels_app)
app.add_typer(recipe_app)
app.add_typer(release_app)
app.command()(rates)
app.command()(chart)
app.add_typer(delivery_app)
app.add_typer(deployments_app)
app.add_typer(drift_app)
app.add_typer(pod_app)
app.add_typer(capability_app)
app.add_typer(threshold_app)
app.add_typer(known_parts_app)
app.add_typer(twin_app)
app.add_typer(mes_app)
app.add_typer(holds_app)
app.add_typer(proposals_app)
app.add_typer(opcua_app)
app.add_typer(keys_app)
app.add_typer(web_app)
app.command()(version)


def main() -> None:
    """Run the command line.

    Ends with 0, 1 after an error of the work itself (one line on stderr), 2 after a wrong call, 130 after Ctrl-C.
    """
    try:
        app(prog_name="lineside")
    except (LinesideError, OSError) as error:
        sys.stderr.write(f"lineside: {_one_line(error)}\n")
        sys.exit(1)


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__
