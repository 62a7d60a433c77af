"""Uploaded files in a bucket. The other side is moto's S3 server as a process: a fake, and called one."""

import hashlib
import os
import sys

import boto3
import pytest
from django.conf import settings as configured

from publishing import storing
from publishing.models import Asset
from socialops.local.supervising import Child
from tests import factories, files
from tests.processes import wait_until
from tests.servers import free_port

BUCKET = "library"


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    """The address of a running fake."""
    directory, port = tmp_path_factory.mktemp("s3"), free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    child = Child("moto", command, directory / "log", directory, dict(os.environ)).start()
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: _listens(url), "moto to listen", child)
    yield url
    child.stop()


def _client(url: str):
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=url, **keys)


def _listens(url: str) -> bool:
    try:
        return bool(_client(url).create_bucket(Bucket=BUCKET))
    except Exception:
        return False


@pytest.fixture
def bucket(s3, settings):
    options = {**configured.IN_A_BUCKET["OPTIONS"], "bucket_name": BUCKET, "endpoint_url": s3}
    options |= {"access_key": "key", "secret_key": "secret"}
    default = {**configured.IN_A_BUCKET, "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": default}
    return _client(s3)


@pytest.fixture
def alice(db):
    who = factories.person("alice")
    factories.grant(factories.channel("sandbox"), who, "author")
    return who


def test_a_picture_is_kept_in_the_bucket_and_handed_out_by_us_alone(bucket, alice):
    asset = storing.upload(alice, files.handed_in(files.from_a_phone()), title="Boots")
    kept = bucket.get_object(Bucket=BUCKET, Key=asset.file.name)["Body"].read()
    assert hashlib.sha256(kept).hexdigest() == asset.sha256
    path = f"/library/files/{asset.renditions.get(format='original').pk}/"
    answer = factories.signed_in(alice).get(path)
    assert b"".join(answer.streaming_content) == kept
    assert factories.signed_in(factories.person("charlie")).get(path).status_code == 404


def test_a_file_that_is_gone_from_the_bucket_is_said_to_be(bucket, alice):
    asset = storing.upload(alice, files.handed_in(files.jpeg()), title="Boots")
    bucket.delete_object(Bucket=BUCKET, Key=asset.file.name)
    path = f"/library/files/{asset.renditions.get(format='original').pk}/"
    assert factories.signed_in(alice).get(path).status_code == 404


def test_a_bucket_that_does_not_answer_leaves_no_row(bucket, alice, settings):
    broken = {**settings.STORAGES["default"]}
    broken["OPTIONS"] = {**broken["OPTIONS"], "bucket_name": "nobody-made-this"}
    settings.STORAGES = {**settings.STORAGES, "default": broken}
    with pytest.raises(Exception, match="NoSuchBucket"):
        storing.upload(alice, files.handed_in(files.jpeg()), title="Boots")
    assert not Asset.objects.exists()
