"""A real Label Studio, as `lineside labels server` starts it."""

import httpx
import pytest

from label_studio import LabelStudioServer

pytestmark = pytest.mark.system


def test_the_server_takes_legacy_and_personal_tokens_and_the_login(label_studio: LabelStudioServer) -> None:
    assert label_studio.http.get("/api/current-user/whoami").json()["email"] == label_studio.email
    refreshed = httpx.post(
        f"{label_studio.url}/api/token/refresh/", json={"refresh": label_studio.personal_token}, trust_env=False
    )
    bearer = {"Authorization": f"Bearer {refreshed.json()['access']}"}
    assert httpx.get(f"{label_studio.url}/api/projects/", headers=bearer, trust_env=False).json()["count"] == 0
    with label_studio.logged_in() as person:
        assert person.get("/api/current-user/whoami").json()["email"] == label_studio.email
