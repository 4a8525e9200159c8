"""Pages to print and to file: one HTML file that needs nothing else."""

from lineside.workflows.pages.blocks import (
    Block,
    Facts,
    Links,
    Notice,
    NoticeLevel,
    Paragraph,
    Picture,
    Section,
    SignatureLines,
    Table,
)
from lineside.workflows.pages.writing import write_page

__all__ = [
    "Block",
    "Facts",
    "Links",
    "Notice",
    "NoticeLevel",
    "Paragraph",
    "Picture",
    "Section",
    "SignatureLines",
    "Table",
    "write_page",
]
