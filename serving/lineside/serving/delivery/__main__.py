"""The delivery process, which a server starts: `python -m lineside.serving.delivery`."""

import sys

from lineside.serving.delivery.process import main

if __name__ == "__main__":
    sys.exit(main())
