"""POST /api/images with the recognizer: photos are made anew, the jail holds,
and one bad photo spoils nothing for the next. What is seen in real photos is
in test_recognizer_photos.py."""
import hashlib
import os
import signal
import socket
import struct
import subprocess
import threading
import time
import zlib

import pytest

from desk import descendants
from support import Api, png, wait_until

ROUTE = "/api/images?description=a%20red%20mug"
LIMIT_S = 6

pytestmark = [
    pytest.mark.local("the recognizer is the same in every profile"),
    pytest.mark.skipif(
        not os.access(os.path.join(
            os.environ.get("ORDERMILL_BUILD", ".build"),
            "src/recognizer/recognizer"), os.X_OK),
        reason="built without the recognizer")]


@pytest.fixture(scope="module")
def desk(recognizing_desk):
    return recognizing_desk


@pytest.fixture(scope="module")
def api(desk):
    return Api(desk, desk.token())


@pytest.fixture(scope="module")
def has_model(desk):
    path = os.path.join(desk.state, "models", "coco-ssd.model")
    if not os.path.exists(path):
        pytest.skip("the model could not be fetched")
    return path


def ppm(folder, width, height, name="x.ppm"):
    """A picture that costs little to make: lines of one colour."""
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(b"P6 %d %d 255\n" % (width, height))
        for y in range(height):
            file.write(bytes((y & 255, y >> 3 & 255, 128)) * width)
    return path


def jpeg(folder, width, height, *options):
    return subprocess.run(["cjpeg", *options, ppm(folder, width, height)],
                          check=True, capture_output=True).stdout


def send(api, photo, kind="application/octet-stream"):
    """The answer, which comes in time whatever the photo is."""
    start = time.monotonic()
    answer = api.raw("POST", ROUTE, photo, kind)
    assert time.monotonic() - start <= LIMIT_S
    assert answer.status_code in (200, 413, 415, 422), answer.text
    return answer


def stored(desk, answer, ending="jpg"):
    digest = answer.json()["image_id"][7:]
    path = os.path.join(desk.objects_dir, "images", f"{digest}.{ending}")
    with open(path, "rb") as file:
        content = file.read()
    assert hashlib.sha256(content).hexdigest() == digest
    return content


def assert_still_works(api):
    answer = send(api, png(64, 64))
    assert answer.status_code == 200
    assert answer.json()["reason"] not in ("timeout", "decode_failed",
                                           "service_failed"), answer.text


def test_what_is_stored_is_made_anew(desk, api, tmp_path):
    photo = jpeg(tmp_path, 320, 200)
    told = photo[:2] + b"\xff\xe1\0\x0cExif\0\0GPS!" + photo[2:] + b"PK\3\4"
    answer = send(api, told)
    content = stored(desk, answer)
    assert content[:3] == b"\xff\xd8\xff" and content[-2:] == b"\xff\xd9"
    assert b"GPS!" not in content and b"PK" not in content
    assert content != photo


def test_a_png_is_stored_as_jpeg(desk, api):
    assert stored(desk, send(api, png(200, 100)))[:3] == b"\xff\xd8\xff"


def test_a_large_photo_is_stored_smaller(desk, api, tmp_path):
    content = stored(desk, send(api, jpeg(tmp_path, 5000, 3000)))
    at = content.index(b"\xff\xc0")
    assert struct.unpack(">HH", content[at + 5:at + 9]) == (1500, 2500)


def test_a_photo_held_upside_down_is_stored_upright(desk, api, tmp_path):
    photo = jpeg(tmp_path, 320, 200)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"
    turned = photo[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif \
        + photo[2:]
    content = stored(desk, send(api, turned))
    at = content.index(b"\xff\xc0")
    assert struct.unpack(">HH", content[at + 5:at + 9]) == (320, 200)
    assert b"Exif" not in content


def test_nothing_is_left_running(desk, api):
    for _ in range(5):
        assert_still_works(api)
    pid = desk.programs["recognizer"].pid
    wait_until(lambda: not descendants(pid), what="the end of the children")


def test_a_photo_cut_short_is_unsure(api, has_model, tmp_path):
    photo = jpeg(tmp_path, 640, 480)
    body = send(api, photo[:len(photo) // 2]).json()
    assert (body["verdict"], body["reason"]) == ("unsure", "damaged")


# --- what goes wrong ---------------------------------------------------------------

def slow_photo(folder):
    """Ninety-nine passes over 40 million pixels: a second or two."""
    scans = ["0,1,2: 0-0, 0, 0;"] + \
        [f"{c}: {k}-{k}, 0, 0;" for c in (0, 1) for k in range(1, 50)]
    script = os.path.join(folder, "scans")
    with open(script, "w") as file:
        file.write("\n".join(scans))
    return subprocess.run(
        ["cjpeg", "-quality", "20", "-sample", "2x2", "-scans", script,
         ppm(folder, 8000, 5000)], check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    return slow_photo(tmp_path_factory.mktemp("slow"))


def send_and_catch(desk, api, photo, number):
    """Sends a slow photo and a signal to the child that looks at it."""
    pid = desk.programs["recognizer"].pid
    wait_until(lambda: not descendants(pid), what="the end of the one before")
    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(send(api.again(), photo)))
    thread.start()
    os.kill(wait_until(lambda: descendants(pid), what="a child")[0], number)
    thread.join()
    return answers[0].json()


def test_a_photo_that_takes_too_long_is_not_checked(desk, api, slow):
    body = send_and_catch(desk, api, slow, signal.SIGSTOP)
    assert (body["verdict"], body["reason"]) == ("not_checked", "timeout")
    assert_still_works(api)


def test_a_photo_that_needs_too_much_memory_is_not_checked(desk, api,
                                                           tmp_path):
    """Progressive without subsampling: all coefficients, 240 MB."""
    with open(desk.program_path("recognizer"), "rb") as file:
        if b"__asan_init" in file.read():
            pytest.skip("AddressSanitizer needs memory without a limit")
    photo = jpeg(tmp_path, 8000, 5000, "-progressive", "-sample", "1x1")
    body = send(api, photo).json()
    assert (body["verdict"], body["reason"]) == ("not_checked", "too_large")
    assert_still_works(api)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_killed_child_is_not_checked(desk, api, slow, number):
    body = send_and_catch(desk, api, slow, number)
    assert (body["verdict"], body["reason"]) == ("not_checked",
                                                 "decode_failed")
    assert_still_works(api)


def test_a_killed_recognizer_comes_back(desk, api):
    for _ in range(3):
        desk.kill("recognizer")
        assert_still_works(api)


def test_the_service_manager_hears_of_it(desk, tmp_path):
    """sd_notify(3): ready, alive though nobody asks, stopping."""
    config = tmp_path / "ordermill.conf"
    config.write_text(f"state.directory = {tmp_path}\n"
                      f"image_recognizer.socket = {tmp_path}/socket\n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "manager"))
        manager.settimeout(10)
        program = subprocess.Popen(
            [desk.program_path("recognizer"), "-c", str(config)],
            env=dict(os.environ, NOTIFY_SOCKET=str(tmp_path / "manager"),
                     WATCHDOG_USEC="200000"), stderr=subprocess.DEVNULL)
        try:
            heard = [manager.recv(100) for _ in range(6)]
            assert b"READY=1" in heard[:2]
            assert heard.count(b"WATCHDOG=1") == 5
            program.terminate()
            while manager.recv(100) != b"STOPPING=1":
                pass
            assert program.wait(10) == 0
        finally:
            program.kill()


def test_without_a_recognizer_photos_are_stored_stripped(desk, api, tmp_path):
    photo = jpeg(tmp_path, 320, 200)
    path = os.path.join(desk.run_dir, "recognizer.sock")
    os.rename(path, path + ".away")
    try:
        answer = send(api, photo)
    finally:
        os.rename(path + ".away", path)
    assert answer.json()["reason"] == "no_model"
    assert stored(desk, answer) == photo
    assert_still_works(api)


@pytest.mark.parametrize("damage", ["byte", "cut", "empty", "other", "away"])
def test_a_damaged_model_is_no_model(desk, api, has_model, damage):
    with open(has_model, "rb") as file:
        good = file.read()
    bad = {"byte": good[:9_000_000] + b"?" + good[9_000_001:],
           "cut": good[:-1], "empty": b"", "other": b"x" * 4096}
    os.rename(has_model, has_model + ".good")
    try:
        if damage in bad:
            with open(has_model, "wb") as file:
                file.write(bad[damage])
        answer = send(api, png(64, 64))
        assert (answer.json()["verdict"], answer.json()["reason"]) == \
            ("not_checked", "no_model")
        # and it is made anew all the same
        assert stored(desk, answer)[:3] == b"\xff\xd8\xff"
    finally:
        os.rename(has_model + ".good", has_model)
    assert send(api, png(64, 64)).json()["reason"] != "no_model"


def test_check_says_how_the_recognizer_is(desk, has_model):
    assert "COCO" in desk.command("check").stdout


# --- the corpus ----------------------------------------------------------------------

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + \
        struct.pack(">I", zlib.crc32(kind + data))


def png_of(width, height, depth=8, colour=2, more=(), data=None):
    if data is None:
        row = b"\0" + b"\x7f" * ((width * depth * {0: 1, 2: 3, 6: 4}[colour]
                                  + 7) // 8)
        data = zlib.compress(row * height, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(
        ">IIBBBBB", width, height, depth, colour, 0, 0, 0)) + \
        b"".join(chunk(*one) for one in more) + chunk(b"IDAT", data) + \
        chunk(b"IEND", b"")


def bomb(megabytes):
    squeeze = zlib.compressobj(9)
    return b"".join([squeeze.compress(bytes(1 << 20))
                     for _ in range(megabytes)]) + squeeze.flush()


def webp_head(width, height):
    """VP8L: 14 bits each."""
    bits = (width - 1) | (height - 1) << 14
    data = b"\x2f" + struct.pack("<I", bits) + b"\0" * 32
    return b"RIFF" + struct.pack("<I", 12 + len(data)) + b"WEBPVP8L" + \
        struct.pack("<I", len(data)) + data


CORPUS = {
    "png 30000": (lambda folder: png_of(30000, 30000, 1, 0), {422}),
    "png 60000": (lambda folder: png_of(60000, 60000, 1, 0, data=b""), {422}),
    "png that has less than it says":
        (lambda folder: png_of(4000, 4000, data=zlib.compress(b"\0" * 99)),
         {200}),
    "jpeg 65500": (lambda folder: b"\xff\xd8\xff\xc0\0\x11\x08\xff\xdc\xff\xdc"
                   b"\3\1\x11\0\2\x11\0\3\x11\0" + bytes(100), {422}),
    "webp 16383": (lambda folder: webp_head(16383, 16383), {422}),
    "webp of nothing": (lambda folder: webp_head(5000, 5000), {200}),
    "zTXt": (lambda folder: png_of(64, 64, more=[
        (b"zTXt", b"a\0\0" + bomb(400))]), {200}),
    "iCCP": (lambda folder: png_of(64, 64, more=[
        (b"iCCP", b"a\0\0" + bomb(400))]), {200}),
    "png that moves": (lambda folder: png_of(64, 64, more=[
        (b"acTL", struct.pack(">II", 2, 0)),
        (b"fcTL", struct.pack(">IIIIIHHBB", 0, 64, 64, 0, 0, 1, 1, 0, 0))]),
        {200}),
    "png of sixteen bits": (lambda folder: png_of(64, 64, 16), {200}),
    "1 x 10000": (lambda folder: png_of(1, 10000), {422}),
    "zip behind": (lambda folder: jpeg(folder, 64, 64) + b"PK\3\4" * 50, {200}),
    "html behind": (lambda folder: jpeg(folder, 64, 64) +
                    b"<html><script>alert(1)</script>", {200}),
    "pdf behind": (lambda folder: jpeg(folder, 64, 64) + b"%PDF-1.7\n", {200}),
    "svg behind a head": (lambda folder: b"\xff\xd8\xff\xe0<svg onload=x />",
                          {415, 422}),
    "html behind a head": (lambda folder: b"\xff\xd8\xff\xc0\0\x0b\x08\0\x20"
                           b"\0\x20\1\1\x11\0<html><script>", {415, 422}),
}


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_photo_harms_nothing(desk, api, name, tmp_path):
    make, expected = CORPUS[name]
    before = [desk.programs[p].pid for p in ("recognize_uploaded_image",
                                             "recognizer")]
    answer = send(api, make(tmp_path))
    assert answer.status_code in expected, answer.text
    if answer.status_code == 200 and answer.json()["verdict"] != "not_checked":
        content = stored(desk, answer)
        for text in (b"<script", b"PK\3\4", b"%PDF"):
            assert text not in content
    assert before == [desk.programs[p].pid for p in (
        "recognize_uploaded_image", "recognizer")]
    assert_still_works(api)


def test_a_jpeg_of_thousands_of_scans_is_no_photo(api, tmp_path):
    photo = jpeg(tmp_path, 640, 480, "-progressive", "-quality", "10")
    last = photo.rindex(b"\xff\xda")
    body = send(api, photo[:-2] + photo[last:-2] * 3000 + b"\xff\xd9").json()
    assert (body["verdict"], body["reason"]) == ("not_checked",
                                                 "unsupported_format")
    assert_still_works(api)


def test_cmyk_is_an_unsupported_format(api, tmp_path):
    photo = jpeg(tmp_path, 64, 64)
    at = photo.index(b"\xff\xc0")
    four = photo[:at] + b"\xff\xc0\0\x14\x08\0\x40\0\x40\4" + \
        b"".join(bytes((i, 0x11, 0)) for i in range(1, 5)) + photo[at + 19:]
    adobe = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\2"
    body = send(api, four[:2] + adobe + four[2:]).json()
    assert (body["verdict"], body["reason"]) == ("not_checked",
                                                 "unsupported_format")
