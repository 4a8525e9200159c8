"""What crosses the packages below: the running line, and judging and predicting without a server."""
