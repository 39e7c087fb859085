"""`ordermill event verify`: why a message was refused, and its exit status."""

import base64
import json
import pathlib
import re
import subprocess

import pytest

import support

TABLE = pathlib.Path(support.SOURCE, "tests/vectors/sns_aws_table.h")
NOW = "2022-07-29T00:00:00Z"
