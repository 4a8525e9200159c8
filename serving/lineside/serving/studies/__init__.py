"""Studies of what the inspection can do: read strictly, judged by the server, filed and never changed."""
