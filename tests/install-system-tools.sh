#!/bin/sh
# The system tests use nine Debian packages: strace (power cuts, network proof), chromium and chromium-driver (the page),
# mosquitto (the broker that reads our MQTT) and mosquitto-clients (what the guide listens with), aravis-tools (a simulated
# GigE Vision camera) and three of GStreamer's with their Python binding (an RTSP server, run by Debian's own Python).
# Installs what is missing where it may; elsewhere it names what is missing, and those tests are skipped (a failure in CI).
missing=""
command -v strace >/dev/null || missing="$missing strace"
command -v chromium >/dev/null || missing="$missing chromium"
command -v chromedriver >/dev/null || missing="$missing chromium-driver"
PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v mosquitto >/dev/null || missing="$missing mosquitto"
command -v mosquitto_sub >/dev/null || missing="$missing mosquitto-clients"
command -v arv-fake-gv-camera-0.8 >/dev/null || missing="$missing aravis-tools"
/usr/bin/python3 tests/support/rtsp_server.py --check 2>/dev/null ||
    missing="$missing python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good"
[ -z "$missing" ] && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing fonts-noto-cjk
elif command -v apt-get >/dev/null && sudo -n true 2>/dev/null; then
    sudo apt-get update -qq && sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing fonts-noto-cjk
else
    echo "not installed:$missing; the tests that need them are skipped (install them with your package manager)" >&2
    [ -z "$CI" ]
fi
