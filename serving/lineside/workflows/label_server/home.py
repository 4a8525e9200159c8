"""What a local Label Studio keeps: its data, and the secrets that were made for it once."""

import base64
import hmac
import os
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from lineside.serving.security import read_or_create_secret
from lineside.workflows.errors import LabelServerFailed

ADMIN_EMAIL = "lineside@localhost"


@dataclass(frozen=True, slots=True)
class LabelLogin:
    """Who may do everything on a local Label Studio; secrets stay out of its repr.

    Attributes:
        email: the login's name.
        password: for the login page.
        token: for programs.
        signing_key: signs the server's sessions.
    """

    email: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    signing_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LabelServerHome:
    """A folder with everything one local Label Studio keeps; nobody else can read it.

    Attributes:
        folder: the home.
        login: made from the secret file at the home's first use, the same ever after.
    """

    folder: Path
    login: LabelLogin

    @classmethod
    def open(cls, folder: Path) -> "LabelServerHome":
        """Make the folder what a home needs, or go on with what is there.

        Raises:
            LabelServerFailed: its secret file is damaged.
            OSError: the folder cannot be written.
        """
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        try:
            secret = read_or_create_secret(folder / "secret")
        except ValueError as error:
            raise LabelServerFailed(str(error)) from error
        login = LabelLogin(
            email=ADMIN_EMAIL,
            password=base64.b32encode(_derived(secret, "password"))[:24].decode().lower(),
            token=_derived(secret, "token").hex()[:40],
            signing_key=_derived(secret, "signing key").hex(),
        )
        home = cls(folder, login)
        for each in (home.data_dir, home.data_dir / "files"):
            each.mkdir(exist_ok=True)
        _write_private(home.token_file, login.token + "\n")
        _write_private(home.login_file, f"{login.email}\n{login.password}\n")
        return home

    @property
    def data_dir(self) -> Path:
        """Label Studio's own folder: database, uploaded images."""
        return self.folder / "data"

    @property
    def token_file(self) -> Path:
        """The token that commands take with --token-file."""
        return self.folder / "token"

    @property
    def login_file(self) -> Path:
        """E-mail and password of the login page, a line each."""
        return self.folder / "login"

    @property
    def log_file(self) -> Path:
        """What the server said since its last start."""
        return self.folder / "server.log"

    @property
    def lock_file(self) -> Path:
        """Held while a server runs here."""
        return self.folder / "lock"


def _derived(secret: bytes, purpose: str) -> bytes:
    return hmac.new(secret, f"lineside label server: {purpose}".encode(), sha256).digest()


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        path.chmod(0o600)  # also where the file was there with other rights
        file.write(text)
