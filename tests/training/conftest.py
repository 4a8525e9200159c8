"""A trained network's files: exported once for all tests that look at them."""

import pytest

from small_checkpoints import SIDE_PX, ExportedFiles, write_starter_checkpoint


@pytest.fixture(scope="session")
def exported_files(tmp_path_factory: pytest.TempPathFactory) -> ExportedFiles:
    """The single-image starter, with a small input; must not be changed."""
    from lineside.training.export import export_checkpoint

    folder = tmp_path_factory.mktemp("exported")
    checkpoint = write_starter_checkpoint(folder)
    model = export_checkpoint(checkpoint, folder / "model.onnx", size_wh_px=(SIDE_PX, SIDE_PX))
    return ExportedFiles(checkpoint, model.path, SIDE_PX)
