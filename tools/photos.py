#!/usr/bin/python3
"""photos.py: real photos out of Debian's packages, for tests, sample and
benchmark. None lies in this repository: a package is fetched by apt once (never
installed), and its photos are kept in the build folder."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# package -> what it shows: where it lies in the package
PACKAGES = {
    "darknet": {
        "dog": "usr/share/darknet/data/dog.jpg",
        "horses": "usr/share/darknet/data/horses.jpg",
        "giraffe": "usr/share/darknet/data/giraffe.jpg",
        "eagle": "usr/share/darknet/data/eagle.jpg"},
    "python3-skimage": {
        "coffee": "usr/lib/python3/dist-packages/skimage/data/coffee.png",
        "cat": "usr/lib/python3/dist-packages/skimage/data/chelsea.png",
        "motorcycle": "usr/lib/python3/dist-packages/skimage/data/"
                      "motorcycle_left.png",
        "rocket": "usr/lib/python3/dist-packages/skimage/data/rocket.jpg",
        "truncated": "usr/lib/python3/dist-packages/skimage/data/"
                     "truncated.jpg"},
    "opencv-doc": {
        name: f"usr/share/doc/opencv-doc/examples/data/{file}.jpg"
        for name, file in (
            ("orange", "orange"), ("apple", "apple"), ("player", "messi5"),
            ("butterfly", "butterfly"), ("squirrel", "squirrel_cls"))},
}


def folder():
    return os.path.join(os.environ.get("ORDERMILL_BUILD")
                        or os.path.join(ROOT, ".build"), "photos")


def fetch(package):
    """Its photos into the folder; False when it cannot be had."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return False
    os.makedirs(folder(), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder()) as work:
        done = subprocess.run(["apt-get", "-qq", "download", package],
                              cwd=work, capture_output=True)
        found = glob.glob(os.path.join(work, "*.deb"))
        if done.returncode or not found:
            return False
        subprocess.run(["dpkg-deb", "-x", found[0],
                        os.path.join(work, "x")], check=True)
        for name, path in PACKAGES[package].items():
            os.replace(os.path.join(work, "x", path), target(name, path))
    return True


def target(name, path):
    return os.path.join(folder(), name + os.path.splitext(path)[1])


def tried_lately(package):
    """Once in ten minutes is enough where there is no network."""
    mark = os.path.join(folder(), package + ".tried")
    if os.path.exists(mark) and time.time() - os.path.getmtime(mark) < 600:
        return True
    os.makedirs(folder(), exist_ok=True)
    with open(mark, "w"):
        os.utime(mark)
    return False


def photo(name):
    """The bytes of a photo, or None where its package cannot be had."""
    package = next(p for p, names in PACKAGES.items() if name in names)
    path = target(name, PACKAGES[package][name])
    if not os.path.exists(path):
        if tried_lately(package) or not fetch(package):
            return None
    with open(path, "rb") as file:
        return file.read()


if __name__ == "__main__":
    for one in sys.argv[1:] or PACKAGES:
        print(one, "fetched" if fetch(one) else "cannot be had")
