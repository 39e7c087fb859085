"""profiles.py: a desk of a profile, and what it stands on, looked at and
tampered with from outside: a directory, or a bucket by boto3."""
import json
import os
import secrets
import shutil

from desk import Desk
from peers import Missing


# Who wants photos to be looked at says so: most need them not.
NO_PHOTOS = {"image_recognizer.adapter": "none"}


class Directory:
    def __init__(self, folder):
        self.folder = folder

    def path(self, key):
        return os.path.join(self.folder, key)

    def keys(self, prefix):
        """All below it, hidden files too: a temporary one is found."""
        return sorted(
            os.path.relpath(os.path.join(folder, name), self.folder)
            for folder, _, names in os.walk(self.path(prefix))
            for name in names)

    def read(self, key):
        with open(self.path(key), "rb") as file:
            return file.read()

    def write(self, key, content):
        os.chmod(self.path(key), 0o640)
        with open(self.path(key), "wb") as file:
            file.write(content)

    def remove(self, key):
        os.remove(self.path(key))

    def refuse(self, prefix):
        """Nothing can be written below it, not even by root."""
        folder = self.path(prefix)
        os.makedirs(folder, exist_ok=True)
        os.rename(folder, folder + ".away")
        with open(folder, "w", encoding="utf-8"):
            pass

    def allow(self, prefix):
        folder = self.path(prefix)
        os.unlink(folder)
        os.rename(folder + ".away", folder)


class Bucket:
    def __init__(self, client, name):
        self.client, self.name = client, name

    def keys(self, prefix):
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix + "/")
        return sorted(entry["Key"] for page in pages
                      for entry in page.get("Contents", ()))

    def read(self, key):
        return self.client.get_object(Bucket=self.name,
                                      Key=key)["Body"].read()

    def write(self, key, content):
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def remove(self, key):
        self.client.delete_object(Bucket=self.name, Key=key)

    def refuse(self, prefix):
        self.client.put_bucket_policy(Bucket=self.name, Policy=json.dumps(
            {"Version": "2012-10-17", "Statement": [
                {"Effect": "Deny", "Principal": "*",
                 "Action": "s3:PutObject",
                 "Resource": f"arn:aws:s3:::{self.name}/{prefix}/*"}]}))

    def allow(self, _):
        self.client.delete_bucket_policy(Bucket=self.name)


class Bus:
    """The topic of a desk, and a key whose messages it takes as true."""

    def __init__(self, topic, key, certificate_url):
        self.topic, self.key = topic, key
        self.certificate_url = certificate_url


def local_desk(state, overrides, more):
    desk = Desk(state, overrides={"profile": "local", **NO_PHOTOS,
                                  **overrides}, **more)
    desk.profile = "local"
    desk.objects = Directory(desk.objects_dir)
    # as the relay's own messages name it
    desk.bus = Bus("arn:aws:sns:local:000000000000:order-deleted",
                   os.path.join(state, "event_bus", "key.pem"),
                   desk.url + "/events/certificate.pem")
    return desk


def bucket_on(peers, name):
    try:
        import boto3
    except ImportError:
        raise Missing("pip's boto3 is not installed") from None
    return Bucket(boto3.client(
        "s3", endpoint_url=peers.need("s3"), region_name="us-east-1",
        aws_access_key_id=peers.key, aws_secret_access_key=peers.secret),
        name)


def stop_and_remove(desks):
    for desk in desks:
        desk.stop()
        if not os.environ.get("ORDERMILL_KEEP_STATE"):
            shutil.rmtree(desk.state, ignore_errors=True)


def aws_desk(peers, state, overrides, more):
    """With a table, a bucket and a topic of its own on the peers."""
    name = f"order-{secrets.token_hex(6)}"
    keys, environment = peers.desk_settings(name)
    more["environment"] = {**environment, **more.get("environment", {})}
    desk = Desk(state, overrides={**keys, **NO_PHOTOS, **overrides}, **more)
    desk.profile = "aws"
    desk.objects = bucket_on(peers, name)
    desk.bus = Bus(keys["event_bus.topic_arn"], *peers.signer())
    return desk
