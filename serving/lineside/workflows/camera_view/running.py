"""Running the page until a signal ends it."""

from collections.abc import Callable

from lineside.client.clock import SystemClock
from lineside.station.camera_trials import Selected
from lineside.workflows.camera_view.app import create_camera_view
from lineside.workflows.camera_view.looking import Looking
from lineside.workflows.errors import ServerFailed
from lineside.workflows.ports import LOOPBACK
from lineside.workflows.running_server import Address, run_app


def run_camera_view(
    selected: Selected, *, port: int, timeout_s: float, on_ready: Callable[[str], None], ends_with_stdin: bool = False
) -> None:
    """Show a camera until SIGINT or SIGTERM, on this machine's loopback only.

    Args:
        selected: the camera.
        port: of the loopback; 0 for any.
        timeout_s: for each frame.
        on_ready: called with the page's address once it answers.
        ends_with_stdin: also end when stdin closes.

    Raises:
        CameraError: the camera cannot be built.
        ServerFailed: the port is taken.
    """
    app = create_camera_view(Looking(selected, timeout_s=timeout_s, clock=SystemClock()))

    def announce(address: Address) -> None:
        on_ready(f"{address.url}/")

    if not run_app(app, host=LOOPBACK, port=port, on_ready=announce, ends_with_stdin=ends_with_stdin):
        raise ServerFailed("the camera's page could not start; the lines above say why")
