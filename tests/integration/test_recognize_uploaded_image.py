"""POST /api/images"""
import hashlib
import subprocess
import zlib

import pytest

from support import archived, png, problem

ROUTE = "/api/images?description=a%20red%20mug"


def jpeg(tmp_path):
    """pdftoppm is there for the reports' tests and writes JPEG."""
    pdf = tmp_path / "x.pdf"
    pdf.write_bytes(
        b"%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 90 90]>>endobj\n"
        b"trailer<</Root 1 0 R>>\n")
    subprocess.run(["pdftoppm", "-jpeg", "-singlefile", str(pdf),
                    str(tmp_path / "x")], check=True, capture_output=True)
    return (tmp_path / "x.jpg").read_bytes()


def test_says_that_nothing_was_checked(api):
    photo = png()
    answer = api.raw("POST", ROUTE, photo, "image/png")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"image_id", "verdict", "confidence", "reason",
                         "evidence", "warning", "labels", "model",
                         "receipt", "expires_at"}
    assert (body["verdict"], body["reason"]) == ("not_checked", "no_model")
    assert body["evidence"].startswith("The photo was not looked at: no ")
    assert body["warning"] is None
    assert body["confidence"] is None
    assert body["labels"] == []
    assert body["image_id"] == "sha256:" + hashlib.sha256(photo).hexdigest()


def test_takes_jpeg(api, tmp_path):
    answer = api.raw("POST", ROUTE, jpeg(tmp_path), "image/jpeg")
    assert answer.status_code == 200, answer.text


def test_where_a_photo_was_taken_is_not_stored(desk, api, tmp_path):   # D17
    place = b"Exif\0\0MM\0*\0\0\0\x08\0\0 51.5 N 0.1 W"
    whole = jpeg(tmp_path)
    told = b"\xff\xd8\xff\xe1" + (len(place) + 2).to_bytes(2, "big") + place \
        + whole[2:] + b"PK\3\4 what hangs behind"
    answer = api.raw("POST", ROUTE, told, "image/jpeg")
    assert answer.status_code == 200, answer.text
    digest = answer.json()["image_id"][7:]
    stored = desk.objects.read(f"images/{digest}.jpg")
    assert hashlib.sha256(stored).hexdigest() == digest
    assert b"51.5" not in stored and b"PK" not in stored


def test_takes_a_form(api):
    photo = png(32, 32)
    answer = api.send("POST", "/api/images", files={
        "image": ("mug.png", photo, "image/png"),
        "description": (None, "a red mug")})
    assert answer.status_code == 200, answer.text
    assert answer.json()["image_id"] == \
        "sha256:" + hashlib.sha256(photo).hexdigest()


def test_the_same_photo_has_the_same_id(api):
    photo = png(40, 40)
    ids = {api.raw("POST", ROUTE, photo, "image/png").json()["image_id"]
           for _ in range(3)}
    assert len(ids) == 1


def test_takes_ten_mebibytes_and_no_more(api):
    photo = png(1850, 1850, noise=True)
    assert 9 << 20 < len(photo) <= 10 << 20
    answer = api.raw("POST", ROUTE, photo, "image/png")
    assert answer.status_code == 200, answer.text
    assert answer.json()["image_id"] == \
        "sha256:" + hashlib.sha256(photo).hexdigest()
    exact = photo + b"\0" * ((10 << 20) - len(photo))
    assert api.raw("POST", ROUTE, exact, "image/png").status_code == 200
    problem(api.raw("POST", ROUTE, exact + b"\0", "image/png"),
            413, "too-large")
    form = (b"--b\r\nContent-Disposition: form-data; name=image\r\n\r\n%s"
            b"\r\n--b--\r\n")
    kind = "multipart/form-data; boundary=b"
    assert api.raw("POST", ROUTE, form % exact, kind).status_code == 200
    problem(api.raw("POST", ROUTE, form % (exact + b"\0"), kind),
            413, "too-large")
    problem(api.raw("POST", ROUTE, photo + b"\0" * (1 << 20), "image/png"),
            413, "too-large")
    problem(api.raw("POST", ROUTE, photo + b"\0" * (3 << 20), "image/png"),
            413, "too-large")


@pytest.mark.parametrize("body, content_type", [                # D17
    (b"hello", "image/png"), (b"<svg/>", "image/svg+xml"),
    (b"GIF89a" + b"\0" * 40, "image/gif"), (b"MZ" + b"\0" * 64, "image/jpeg"),
    (b"%PDF-1.4\n", "application/pdf"), (b"<script>", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"),
    (b"RIFF\x04\0\0\0WEBP", "image/webp")])
def test_refuses_what_is_no_photo(api, body, content_type):
    answer = api.raw("POST", ROUTE, body, content_type)
    assert answer.status_code in (415, 422), answer.text
    problem(answer, answer.status_code)


@pytest.mark.parametrize("change", ["cut", "sum"])
def test_refuses_a_damaged_photo_or_keeps_its_bytes(api, change):
    photo = png()
    body = photo[:len(photo) // 2] if change == "cut" else \
        photo.replace(b"IEND", b"IEMD")
    answer = api.raw("POST", ROUTE, body, "image/png")
    assert answer.status_code in (200, 415, 422), answer.text


def test_refuses_a_photo_with_enormous_sides(api):
    photo = png(4, 4)
    head = b"IHDR" + (100_000).to_bytes(4, "big") * 2 + photo[24:29]
    bomb = photo[:12] + head + zlib.crc32(head).to_bytes(4, "big") + photo[33:]
    answer = api.raw("POST", ROUTE, bomb, "image/png")
    assert answer.status_code in (413, 415, 422), answer.text


@pytest.mark.parametrize("query", ["", "?description=", "?description=%20",
                                   "?description=" + "x" * 501])
def test_needs_a_description(api, query):
    answer = api.raw("POST", "/api/images" + query, png(), "image/png")
    problem(answer, answer.status_code)
    assert answer.status_code in (400, 422)


def test_an_empty_body_is_refused(api):
    answer = api.raw("POST", ROUTE, b"", "image/png")
    assert answer.status_code in (400, 411, 415, 422)
    problem(answer, answer.status_code)


@pytest.mark.parametrize("boundary, body", [
    ("x", b""), ("x", b"--x\r\n"), ("x", b"--x--\r\n"), ("", b"--\r\n"),
    ("x", b"--x\r\nContent-Disposition: form-data\r\n\r\nq\r\n--x--\r\n"),
    ("x" * 200, b"--x\r\n\r\n"),
    ("x", b"--x\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\nq")])
def test_refuses_a_malformed_form(api, boundary, body):
    answer = api.raw("POST", ROUTE, body,
                     "multipart/form-data; boundary=" + boundary)
    assert 400 <= answer.status_code < 423, answer.text
    problem(answer, answer.status_code)


def form(*parts):
    """Parts, one by one: requests' own forms have no odd ones."""
    frame = b"--x\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n"
    return b"".join(frame % part for part in parts) + b"--x--\r\n"


@pytest.mark.parametrize("parts", [
    [(b"image", png()), (b"image", png(17, 17)), (b"description", b"a mug")],
    [(b"image", png()), (b"description", b"a mug"), (b"description", b"a cup")],
    [(b"image", png()), (b"description", b"a\0mug")],
    [(b"image", png()), (b"description", b"a\xffmug")]])
def test_refuses_a_form_that_can_be_read_in_two_ways(api, parts):
    answer = api.raw("POST", "/api/images", form(*parts),
                     "multipart/form-data; boundary=x")
    problem(answer, 400, "bad-request")


def test_the_wrong_type_says_what_is_taken(api):
    answer = api.raw("POST", ROUTE, png(), "text/plain")
    if answer.status_code == 200:
        return      # sniffed: the bytes are a photo whatever they are called
    problem(answer, 415)
    assert "image/png" in answer.headers["Accept-Post"]


def test_the_photo_stays_with_the_archived_order(desk, api):    # D16
    seen = api.raw("POST", ROUTE, png(50, 50), "image/png").json()
    order = api.order(description="a red mug",
                      image={"receipt": seen["receipt"]})
    api.delete("/api/orders/" + order["id"])
    entry = archived(api, order["id"], ("done",))
    assert entry["order"]["image"]["id"] == seen["image_id"]
    assert f"images/{seen['image_id'][7:]}.png" in desk.objects.keys("images")
