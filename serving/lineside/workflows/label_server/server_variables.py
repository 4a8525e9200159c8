"""The settings of a local Label Studio: loopback only, no word to anybody outside."""

from collections.abc import Mapping

from lineside.workflows.label_server.home import LabelServerHome

# Of our own variables the server gets those that an interpreter needs; no proxy, and no LABEL_STUDIO_ of the person's.
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SYSTEMROOT", "TEMP", "TMP")


def server_variables(home: LabelServerHome, environment: Mapping[str, str]) -> dict[str, str]:
    """Every environment variable of the server's process.

    Args:
        home: where it keeps its data, and its login.
        environment: of this process.
    """
    login = home.login
    settings = {
        "BASE_DATA_DIR": str(home.data_dir),
        "USERNAME": login.email,
        "PASSWORD": login.password,
        "USER_TOKEN": login.token,
        # counts when the organisation is made, at the first start: commands then need no exchange of tokens
        "ENABLE_LEGACY_API_TOKEN": "true",
        # without these it asks the package index at its start and tells its makers of every request
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "FEATURE_FLAGS_OFFLINE": "true",
        # Lineside's server, which it sends webhooks to and asks for predictions, is on this machine or in this plant
        "SSRF_PROTECTION_ENABLED": "false",
        "ML_BLOCK_LOCAL_IP": "false",
        # a page of another origin in the same browser has no business here, nor has whoever finds the sign-up form
        "CORS_ALLOW_ALL_ORIGINS": "false",
        "DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "LOCAL_FILES_SERVING_ENABLED": "true",
        "LOCAL_FILES_DOCUMENT_ROOT": str(home.data_dir / "files"),
    }
    return {
        **{name: environment[name] for name in _PASSED_ON if name in environment},
        "HOME": str(home.data_dir),
        "USERPROFILE": str(home.data_dir),
        "SECRET_KEY": login.signing_key,
        # read without the prefix
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        **{f"LABEL_STUDIO_{name}": value for name, value in settings.items()},
    }
