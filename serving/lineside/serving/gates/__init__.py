"""Signed reports of the gate, on which looser recipes may stand."""
