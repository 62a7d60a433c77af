"""The environment is checked at the start: what is wrong is said in one line, and the defaults are safe."""

import os
import subprocess
import sys

import pytest

from tests.servers import CHECKOUT

PRODUCTION = {
    "DATABASE_URL": "postgresql://socialops@db.example/socialops",
    "REDIS_URL": "redis://redis.example",
    "SECRET_KEY": "a-secret-that-is-long-enough-for-production-0123456789",
    "MFA_KEYS": "another-secret-that-is-long-enough-0123456789",
    "BASE_URL": "https://social.example.com",
}


def manage(*arguments: str, **env: str) -> subprocess.CompletedProcess:
    """manage.py in an environment that holds nothing else."""
    own = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **env}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, env=own, capture_output=True, text=True, check=False, timeout=60)


def setting(name: str, **env: str) -> str:
    words = f"from django.conf import settings; print(settings.{name})"
    said = manage("shell", "--no-imports", "-c", words, **env)
    assert said.returncode == 0, said.stderr
    return said.stdout.strip()


def test_a_production_environment_passes_djangos_deployment_checks():
    said = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert said.returncode == 0, said.stderr
    assert "no issues" in said.stdout


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY is not set. Set it, or SECRET_KEY_FILE to a file that holds it."),
        ({"REDIS_URL": None}, "REDIS_URL is not set."),
        ({"MFA_KEYS": None}, "MFA_KEYS is not set."),
        ({"DATABASE_URL": "mysql://db"}, "DATABASE_URL must begin with postgresql://"),
        ({"REDIS_URL": "amqp://queue"}, "REDIS_URL must begin with redis://, rediss:// or unix://."),
        ({"BASE_URL": "social.example.com"}, "BASE_URL is “social.example.com”. It must look like https://"),
        ({"SOCIALOPS_PACE": "fast"}, "SOCIALOPS_PACE must be a number."),
        ({"SOCIALOPS_KEEP_MAILS": "0"}, "SOCIALOPS_KEEP_MAILS must be a whole number of days, from 1 on."),
        ({"BEHIND_TLS_PROXY": "maybe"}, "BEHIND_TLS_PROXY is “maybe”. Use yes or no."),
        ({"SECRET_KEY": None, "SECRET_KEY_FILE": "/nonexistent/key"}, "SECRET_KEY_FILE names /nonexistent/key, which"),
    ],
)
def test_a_wrong_or_missing_setting_is_one_line_and_no_traceback(changed, words):
    env = {name: value for name, value in {**PRODUCTION, **changed}.items() if value is not None}
    said = manage("migrate", **env)
    assert said.returncode == 1
    assert said.stderr.startswith("Socialops cannot start. ")
    assert words in said.stderr
    assert said.stderr.count("\n") == 1


def test_gunicorn_gives_up_at_once_instead_of_starting_workers_for_ever():
    command = [sys.executable, "-m", "gunicorn", "socialops.wsgi", "--bind", "127.0.0.1:0", "--no-control-socket"]
    env = {"PATH": os.environ["PATH"], **PRODUCTION}
    del env["SECRET_KEY"]
    said = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert said.returncode == 3
    assert "Socialops cannot start. SECRET_KEY is not set." in said.stderr
    assert "Traceback" not in said.stderr


def test_a_celery_worker_says_the_same():
    command = [sys.executable, "-m", "celery", "-A", "socialops", "worker"]
    env = {"PATH": os.environ["PATH"], **PRODUCTION, "DATABASE_URL": "sqlite:///x"}
    said = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert said.returncode == 1
    assert said.stderr.startswith("Socialops cannot start. DATABASE_URL must begin with postgresql://")


def test_a_secret_may_stand_in_a_file(tmp_path):
    (tmp_path / "key").write_text("from-a-file-0123456789-0123456789-0123456789\n")
    env = {**PRODUCTION, "SECRET_KEY_FILE": str(tmp_path / "key")}
    assert setting("SECRET_KEY", **env) == "from-a-file-0123456789-0123456789-0123456789"


def test_https_turns_on_what_https_needs():
    for name, value in {
        "SESSION_COOKIE_NAME": "__Host-session",
        "SESSION_COOKIE_SECURE": "True",
        "SECURE_SSL_REDIRECT": "True",
        "ALLOWED_HOSTS": "['social.example.com']",
        "DEBUG": "False",
        "SECOND_FACTOR_REQUIRED": "True",
    }.items():
        assert setting(name, **PRODUCTION) == value


def test_every_setting_that_can_be_given_is_written_down():
    """CONTRIBUTING and .env.example are where an operator looks."""
    import re

    source = (CHECKOUT / "socialops" / "settings.py").read_text()
    names = set(re.findall(r'(?:env|flag|number)\(\s*"([A-Z_]+)"', source))
    written = (CHECKOUT / "CONTRIBUTING.md").read_text() + (CHECKOUT / "README.md").read_text()
    assert sorted(name for name in names if f"`{name}`" not in written) == []
