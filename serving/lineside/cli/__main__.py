"""`python -m lineside.cli`: the same as `lineside`."""

from lineside.cli.main import main

main()
