"""The second model: what it sees joins what the first sees, without it all is
as before, and no photo makes a child take more memory than it may."""
import os
import random
import re
import shutil
import time

import pytest

from desk import descendants
from photos import photo
from support import Api, png, wait_until
from test_recognizer import (  # noqa: F401
    CORPUS, jpeg, png_of, pytestmark, send)
from test_recognizer_photos import MUTATED, as_webp, look, mutate

CHILD_KIB = 256 * 1024


@pytest.fixture(scope="module")
def desk(make_desk):
    desk = make_desk({"image_recognizer.adapter": "local"})
    for name in ("coco-ssd", "open-images"):
        if not os.path.exists(os.path.join(desk.build, name + ".model")):
            pytest.skip(f"the model {name} could not be fetched")
    return desk


@pytest.fixture(scope="module")
def api(desk):
    return Api(desk, desk.token())


def second_path(desk):
    return os.path.join(desk.state, "models", "open-images.model")


@pytest.fixture
def second(desk):
    """Put there whole, as `ordermill model` does."""
    path = second_path(desk)
    shutil.copyfile(os.path.join(desk.build, "open-images.model"),
                    path + ".new")
    os.rename(path + ".new", path)
    yield path
    os.unlink(path)


def names(body):
    return [label["name"] for label in body["labels"]]


def test_without_it_the_first_sees_alone(api):
    body = look(api, "coffee", "a cup of coffee")
    assert body["model"] == "SSDLite MobileNetV2, COCO"
    assert "coffee cup" not in names(body)


def test_labels_of_both_are_one_list(api, second):
    body = look(api, "coffee", "a cup of coffee")
    assert body["model"] == \
        "SSDLite MobileNetV2, COCO + SSD MobileNetV2, Open Images"
    assert "cup" in names(body) and "coffee cup" in names(body)
    confidences = [label["confidence"] for label in body["labels"]]
    assert confidences == sorted(confidences, reverse=True)
    assert body["verdict"] == "match"


def test_what_both_know_is_there_once(api, second):
    """A dog, a bicycle and a car, surer to the first."""
    body = look(api, "dog", "a dog")
    for name in ("dog", "bicycle", "car"):
        assert names(body).count(name) == 1
    assert body["labels"][0]["confidence"] > 0.9
    assert body["verdict"] == "match"


def test_what_only_the_second_knows_is_no_mismatch(api, second):
    """It may say that a thing is there, not that it is not."""
    for name in ("cat", "motorcycle"):
        for description in ("a camera", "boots", "a tractor"):
            assert look(api, name, description)["verdict"] == "not_checked"


def test_the_receipt_keeps_both_names(api, second):
    body = look(api, "coffee", "a cup of coffee")
    order = api.post("/api/orders", {
        "description": "a cup of coffee", "price": "2.00",
        "image": {"receipt": body["receipt"]}})
    assert order.status_code == 201, order.text
    kept = api.get("/api/orders/" + order.json()["id"]).json()["image"]
    assert kept["model"] == body["model"]
    assert [one["name"] for one in kept["labels"]] == names(body)


@pytest.mark.parametrize("damage", ["byte", "cut", "empty"])
def test_a_damaged_one_is_left_out(desk, api, second, damage):
    if damage == "byte":
        with open(second, "r+b") as file:
            file.seek(9_000_000)
            file.write(b"?")
    else:
        os.truncate(second, {"cut": 9_000_000, "empty": 0}[damage])
    assert look(api, "cat", "a cat")["model"] == "SSDLite MobileNetV2, COCO"
    assert "second model is damaged" in desk.command("check").stdout


def test_the_second_alone_sees_too(desk, api, second):
    first = os.path.join(desk.state, "models", "coco-ssd.model")
    os.rename(first, first + ".away")
    try:
        body = look(api, "cat", "a cat")
    finally:
        os.rename(first + ".away", first)
    assert body["model"] == "SSD MobileNetV2, Open Images"
    assert (names(body)[0], body["verdict"]) == ("cat", "match")


# --- memory ------------------------------------------------------------------------

# of twelve megapixels
ORDINARY = {
    "baseline": lambda folder: jpeg(folder, 4000, 3000),
    "progressive": lambda folder: jpeg(folder, 4000, 3000, "-progressive"),
    "without subsampling": lambda folder: jpeg(
        folder, 4000, 3000, "-sample", "1x1"),
    "png": lambda folder: png_of(4000, 3000),
    "png with transparency": lambda folder: png_of(4000, 3000, 8, 6),
    "webp": lambda folder: as_webp(jpeg(folder, 4000, 3000)),
}
LARGE = {
    "forty megapixels": lambda folder: jpeg(folder, 8000, 5000),
    "forty megapixels, progressive": lambda folder: jpeg(
        folder, 8000, 5000, "-progressive"),
    "all coefficients": lambda folder: jpeg(
        folder, 8000, 5000, "-progressive", "-sample", "1x1"),
    "png of forty megapixels": lambda folder: png_of(8000, 5000),
    "narrow": lambda folder: png_of(16, 12000),
}


class Peaks:
    """What the children of a recognizer take from now on, by its log."""

    def __init__(self, desk):
        recognizer = desk.programs["recognizer"]
        wait_until(lambda: not descendants(recognizer.pid),
                   what="the end of the children before")
        time.sleep(0.05)    # the last one's line
        self.path = recognizer.log
        self.at = os.path.getsize(self.path)

    def of(self, answers):
        """The most that a child took; each answer of 200 had one."""
        wanted = sum(one.status_code == 200 for one in answers)

        def read():
            with open(self.path, encoding="utf-8") as log:
                log.seek(self.at)
                found = re.findall(r" peak_kib=(\d+) ", log.read())
            return found if len(found) >= wanted else None
        return max(map(int, wait_until(
            read, what="a line of the recognizer for each photo")))


def bounded(desk):
    with open(desk.program_path("recognizer"), "rb") as file:
        if b"__asan_init" in file.read():
            pytest.skip("AddressSanitizer needs memory without a limit")


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_photo_fits_well(desk, api, second, tmp_path, name):
    bounded(desk)
    peaks = Peaks(desk)
    answer = send(api, ORDINARY[name](tmp_path))
    assert answer.json()["reason"] not in (
        "too_large", "decode_failed", "no_model"), answer.text
    peak = peaks.of([answer])
    print(f"{name}: {peak / 1024:.0f} MiB")
    assert 16 * 1024 < peak <= 160 * 1024


@pytest.mark.parametrize("name", list(LARGE) + list(CORPUS))
def test_no_photo_takes_more_than_a_child_has(desk, api, second, tmp_path,
                                              name):
    bounded(desk)
    peaks = Peaks(desk)
    make = LARGE[name] if name in LARGE else CORPUS[name][0]
    # and one that is looked at whatever the first was
    peak = peaks.of([send(api, make(tmp_path)), send(api, png(64, 64))])
    print(f"{name}: {peak / 1024:.0f} MiB")
    assert peak <= CHILD_KIB


def test_mutated_photos_take_no_more(desk, api, second, addresses):
    bounded(desk)
    sources = [one for one in map(photo, ("dog", "coffee", "cat")) if one]
    if not sources:
        pytest.skip("no photos can be had")
    sources.append(as_webp(sources[0]))
    dice = random.Random(2)
    peaks, answers = Peaks(desk), []
    for number in range(MUTATED // 2):
        if number % 40 == 0:    # rate limits go by address
            api = Api(desk, api.token, next(addresses))
        answers.append(send(api, mutate(dice, sources[number % len(sources)])))
    answers.append(send(api, png(64, 64)))
    assert 16 * 1024 < peaks.of(answers) <= CHILD_KIB
