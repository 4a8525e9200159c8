"""Signed deployments: which release judges, looks on or is tried out where, and how long."""
