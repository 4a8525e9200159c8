"""The digital twin: what other programs read of the lines, and what would happen if they were run otherwise."""
