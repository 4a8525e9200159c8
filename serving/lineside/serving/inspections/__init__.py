"""Inspections: one frame of one attempt comes in, a durable verdict goes out."""
