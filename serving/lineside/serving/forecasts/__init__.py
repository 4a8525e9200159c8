"""When a trend reaches its limit: of the confirmed defect rate, of a lamp's light, of a lens's focus."""
