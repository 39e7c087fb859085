"""objects.py: the objects of a desk, looked at and tampered with from outside:
files of a directory, or a bucket by boto3."""
import json
import os


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
