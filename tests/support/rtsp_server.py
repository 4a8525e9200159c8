"""A real RTSP server with a moving test picture, by GStreamer; run by Debian's Python, which has its binding.

    /usr/bin/python3 rtsp_server.py [--check] [--user NAME]

Prints its port once it listens. With --user, only that user with the password in RTSP_PASSWORD may look.
"""

import argparse
import os
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - the versions come first

# The format must be named: without it the payloader's answer to a client is an error of the server's.
PICTURE = "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=20/1"
NEEDED = ("videotestsrc", "jpegenc", "rtpjpegpay")


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true", help="only say whether it could serve")
    parser.add_argument("--user")
    options = parser.parse_args()
    Gst.init(None)
    absent = [name for name in NEEDED if Gst.ElementFactory.find(name) is None]
    if absent:
        raise SystemExit(f"GStreamer has no {', '.join(absent)}: install gstreamer1.0-plugins-good")
    if options.check:
        return
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(f"( {PICTURE} ! jpegenc ! rtpjpegpay name=pay0 )")
    factory.set_shared(True)
    if options.user:
        let_in_only(options.user, server, factory)
    server.get_mount_points().add_factory("/view", factory)
    server.attach(None)
    sys.stdout.write(f"{server.get_bound_port()}\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


def let_in_only(user: str, server: GstRtspServer.RTSPServer, factory: GstRtspServer.RTSPMediaFactory) -> None:
    """Ask for one user's password."""
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth = GstRtspServer.RTSPAuth()
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, os.environ["RTSP_PASSWORD"]), token)
    server.set_auth(auth)
    factory.add_role_from_structure(
        Gst.Structure.new_from_string(
            "viewer, media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
        )
    )


if __name__ == "__main__":
    main()
