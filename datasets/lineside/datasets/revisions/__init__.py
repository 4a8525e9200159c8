"""Revisions: immutable sets of labelled images over content-addressed files.

A revision's id is the SHA-256 of its manifest, and the manifest names every picture by its SHA-256: the same input has
the same id, and nothing can change under one.

```python
store = RevisionStore("memory://example")
revision = store.write(RevisionDraft(...), files=[png_bytes])
store.verify(revision.id)
```
"""

from lineside.datasets.revisions.pictures import ReadPicture, read_picture
from lineside.datasets.revisions.records import CatalogueRef, Revision, RevisionDraft
from lineside.datasets.revisions.selection import RevisionSelection
from lineside.datasets.revisions.store import RevisionStore, VerifiedRevision

__all__ = [
    "CatalogueRef",
    "ReadPicture",
    "Revision",
    "RevisionDraft",
    "RevisionSelection",
    "RevisionStore",
    "VerifiedRevision",
    "read_picture",
]
