"""Studies of what the inspection can do: from files to figures, reports and the server."""
