"""Text files that a person wrote: recipes, catalogues, lists."""

from pathlib import Path

from lineside.workflows.errors import NotText


def read_text_file(path: Path) -> str:
    """The text of a UTF-8 file, byte for byte: line ends stay as they are, for a digest counts them.

    Raises:
        NotText: it holds other bytes, as a picture does.
        OSError: it cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotText(
            f"{path} is no text: byte {error.start} is 0x{error.object[error.start]:02x}; expected a file in UTF-8"
        ) from error
