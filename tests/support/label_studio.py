"""A real Label Studio for tests: installed once by the product's own code, started from a copy of a ready database."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from lineside.workflows.errors import LabelServerNotInstalled
from lineside.workflows.folders import label_studio_folder
from lineside.workflows.label_server import (
    LABEL_STUDIO_VERSION,
    LabelServerHome,
    built_once,
    label_server,
    label_studio_python,
)
from proofs import missing

_PATIENCE_S = 60.0


@dataclass(frozen=True)
class LabelStudioServer:
    """A running Label Studio that one test session has for itself.

    Attributes:
        url: where it answers, without a slash at the end.
        email: of its only person, an administrator.
        password: for the login page.
        token: legacy token: `Authorization: Token ...`.
        personal_token: personal access token, as people make one on the account page; exchanged for an access token
            of five minutes at `/api/token/refresh/`.
        home: the folder of its data.
        http: a client with the legacy token.
    """

    url: str
    email: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    personal_token: str = field(repr=False)
    home: Path
    http: httpx.Client = field(repr=False)

    @contextmanager
    def logged_in(self) -> Iterator[httpx.Client]:
        """A client that came in by the login form, as a browser does; sends the token against forged requests."""
        with _logged_in(self.url, self.email, self.password) as client:
            yield client


@contextmanager
def running_label_studio(folder: Path) -> Iterator[LabelStudioServer]:
    """Start a Label Studio in a folder, from the template; the first call on a machine takes some minutes.

    It has no project, and one person. It ends with this process, whatever ends that.
    """
    python = installed_label_studio()
    copy_ready_home(folder)
    with label_server(LabelServerHome.open(folder), python, port=0) as server:
        login = server.home.login
        with httpx.Client(
            base_url=server.url,
            headers={"Authorization": f"Token {login.token}"},
            timeout=_PATIENCE_S,
            trust_env=False,
        ) as http:
            yield LabelStudioServer(
                url=server.url,
                email=login.email,
                password=login.password,
                token=login.token,
                personal_token=_personal_token(server.url, login.email, login.password),
                home=server.home.folder,
                http=http,
            )


def copy_ready_home(folder: Path) -> None:
    """Make a folder the home of a server whose database is made already, with one person and no project."""
    template = built_once(label_studio_folder(), f"test-template-{LABEL_STUDIO_VERSION}-1", _make_template)
    shutil.copytree(template / "home", folder, dirs_exist_ok=True)


def installed_label_studio() -> Path:
    """The interpreter of Label Studio's environment, installed first where it is not."""
    try:
        return label_studio_python()
    except LabelServerNotInstalled as error:
        missing(str(error))


def _make_template(folder: Path) -> None:
    """Boot once on an empty home, with personal tokens allowed, and keep what that made."""
    home = LabelServerHome.open(folder / "home")
    with label_server(home, installed_label_studio(), port=0) as server:
        answer = httpx.post(
            f"{server.url}/api/jwt/settings",
            json={"api_tokens_enabled": True, "legacy_api_tokens_enabled": True},
            headers={"Authorization": f"Token {home.login.token}"},
            timeout=_PATIENCE_S,
            trust_env=False,
        )
        answer.raise_for_status()


@contextmanager
def _logged_in(url: str, email: str, password: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=_PATIENCE_S, trust_env=False) as client:
        page = client.get("/user/login/").text
        hidden = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert hidden is not None, page[:2000]
        client.headers["Referer"] = f"{url}/"
        form = {"csrfmiddlewaretoken": hidden[1], "email": email, "password": password}
        answer = client.post("/user/login/", data=form)
        assert answer.status_code == httpx.codes.FOUND, answer.text[:2000]
        client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
        yield client


def _personal_token(url: str, email: str, password: str) -> str:
    with _logged_in(url, email, password) as client:
        answer = client.post("/api/token/")
        answer.raise_for_status()
        return str(answer.json()["token"])
