"""What every report of a study says of itself: which files, which program, and who answers for it."""

import hashlib
from collections.abc import Sequence
from importlib.metadata import version

from lineside.workflows.pages import Facts, Paragraph, Section, SignatureLines


def provenance_section(files: Sequence[tuple[str, str]], method: Sequence[str]) -> Section:
    """The section that lets somebody else make the same report again.

    Args:
        files: name and text of each file that the figures were made of.
        method: how, a paragraph each.
    """
    rows = [(name, f"SHA-256 {hashlib.sha256(text.encode()).hexdigest()}") for name, text in files]
    return Section(
        "How these figures were made",
        (*(Paragraph(text) for text in method), Facts((*rows, ("Program", f"Lineside {version('lineside')}")))),
    )


def signature_section() -> Section:
    """Lines for those who answer for the study."""
    return Section("", (SignatureLines(("Prepared by", "Checked by", "Released by")),))
