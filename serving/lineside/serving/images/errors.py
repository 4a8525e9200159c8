"""Every error of the image store, in one tree.

```
LinesideError
└── ImageStoreError
    ├── ImageStoreUnavailable (OSError)  the disk fails: nothing was stored
    │   └── ImageStoreFull               no space, or less than the floor: nothing was stored
    ├── ImageMissing (LookupError)       no image of that digest, or no longer
    └── ImageCorrupt (ValueError)        the stored bytes are not what was stored
```
"""

from lineside.inspection.errors import LinesideError


class ImageStoreError(LinesideError):
    """Base of the image store's errors."""


class ImageStoreUnavailable(ImageStoreError, OSError):
    """The disk could not store the image; nothing of it was kept."""


class ImageStoreFull(ImageStoreUnavailable):
    """There is no room for the image; nothing of it was kept."""


class ImageMissing(ImageStoreError, LookupError):
    """No image of that digest is stored."""


class ImageCorrupt(ImageStoreError, ValueError):
    """An image's stored bytes no longer have its digest."""
