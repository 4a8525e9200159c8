"""What people say happened at the line: a lamp changed, a lens cleaned. Charts show it, forecasts begin anew at it."""

from lineside.serving.notes.schemas import NoteChanged, NoteKind, NoteOut

__all__ = ["NoteChanged", "NoteKind", "NoteOut"]
