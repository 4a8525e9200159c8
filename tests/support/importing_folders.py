"""A callable that imports folders into one store, for tests of what imports give and refuse."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lineside.datasets.formats import FormatName
from lineside.datasets.importing import ImportOptions, import_folder
from lineside.datasets.revisions import Revision, RevisionStore


@dataclass
class Importer:
    """Imports folders; keeps what was remarked.

    Attributes:
        store: where the revisions go.
        remarks: of the last import.
    """

    store: RevisionStore
    remarks: list[str] = field(default_factory=list)

    def __call__(self, path: Path, format_name: FormatName, **options: Any) -> Revision:
        """Import with a licence note and these options."""
        self.remarks.clear()
        return import_folder(
            path,
            format_name,
            store=self.store,
            options=ImportOptions(**{"licence_note": "free"} | options),
            on_remark=self.remarks.append,
        )
