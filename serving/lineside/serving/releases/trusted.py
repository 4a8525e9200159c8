"""The trust file: whose signatures this server believes."""

from datetime import datetime
from pathlib import Path

from lineside.inspection.release import Release, TrustStore, verify_release
from lineside.serving.errors import NoTrustFile


class TrustFile:
    """The operator's trust file, read anew each time: a key revoked in it counts from the next check on.

    Args:
        path: where it is; None if the server was started without one.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def load(self) -> TrustStore:
        """The keys in it.

        Raises:
            NoTrustFile: the server was started without one.
            TrustRefused: it cannot be read, or is no trust file.
        """
        if self._path is None:
            raise NoTrustFile(
                "this server has no trust file, so it believes no signature: start it with --trust FILE "
                "(LINESIDE_TRUST_FILE); until then only the starters run"
            )
        return TrustStore.load(self._path)

    def verified(self, folder: Path, *, now: datetime) -> Release:
        """Read a release whose manifest a trusted build key signed.

        Raises:
            NoTrustFile, TrustRefused: as `load`.
            ReleaseError: it does not verify.
        """
        return verify_release(folder, self.load(), now=now)
