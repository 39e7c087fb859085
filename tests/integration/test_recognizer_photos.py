"""What the recognizer sees in real photos, and what the desk makes of it. They
come from Debian's packages (tools/photos.py)."""
import os
import random
import urllib.parse

import pytest

from photos import photo
from support import Api, problem
from test_recognizer import LIMIT_S, pytestmark, send  # noqa: F401

MUTATED = int(os.environ.get("ORDERMILL_MUTATED", "120"))

# photo: what is seen first; descriptions that fit, and that do not
SEEN = {
    "coffee": ("cup", ["a cup of coffee", "cup", "coffee cups"],
               ["a motorcycle", "a dog"]),
    "cat": ("cat", ["my cat", "a ginger cat", "an animal"], ["a bicycle"]),
    "motorcycle": ("motorcycle", ["motorcycle", "a red motorbike"],
                   ["a cat"]),
    "dog": ("bicycle", ["a dog", "a bicycle", "mountain bike"], ["a pizza"]),
    "horses": ("horse", ["two horses"], ["a toaster"]),
    "orange": ("orange", ["an orange", "oranges", "fruit"], ["a laptop"]),
    "apple": ("apple", ["a green apple"], ["a giraffe"]),
    "giraffe": ("giraffe", ["a giraffe"], ["a toothbrush"]),
    "player": ("person", ["a person with a ball", "a football player"],
               ["a refrigerator"]),
}


@pytest.fixture(scope="module")
def desk(recognizing_desk):
    if not os.path.exists(os.path.join(recognizing_desk.state, "models",
                                       "coco-ssd.model")):
        pytest.skip("the model could not be fetched")
    return recognizing_desk


@pytest.fixture(scope="module")
def api(desk):
    return Api(desk, desk.token())


def look(api, name, description):
    content = photo(name)
    if content is None:
        pytest.skip(f"the package with the photo '{name}' cannot be had")
    answer = api.raw("POST", "/api/images?description="
                     + urllib.parse.quote(description), content,
                     "application/octet-stream")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("name", SEEN)
def test_the_first_label_is_right(api, name):
    body = look(api, name, "something")
    assert body["labels"][0]["name"] == SEEN[name][0], body
    assert body["labels"][0]["confidence"] >= 0.8
    assert "COCO" in body["model"]


@pytest.mark.parametrize("name, description", [
    (name, one) for name, (_, fits, _) in SEEN.items() for one in fits])
def test_a_description_that_fits_matches(api, name, description):
    body = look(api, name, description)
    assert body["verdict"] in ("match", "unsure"), body
    if description == SEEN[name][1][0]:
        assert body["verdict"] == "match", body


@pytest.mark.parametrize("name, description", [
    (name, one) for name, (_, _, others) in SEEN.items() for one in others])
def test_a_description_of_another_thing_is_a_mismatch(api, name, description):
    body = look(api, name, description)
    assert body["verdict"] == "mismatch", body
    assert body["warning"]


@pytest.mark.parametrize("name", ["butterfly", "squirrel", "rocket", "coffee"])
@pytest.mark.parametrize("description", [
    "a butterfly", "a red squirrel", "a rocket", "running shoes",
    "a smartphone charger", "linen curtains"])
def test_what_the_model_cannot_know_is_no_mismatch(api, name, description):
    assert look(api, name, description)["verdict"] != "mismatch"


def test_a_mismatch_has_to_be_accepted(api):
    receipt = look(api, "motorcycle", "a cat")["receipt"]
    draft = {"description": "a cat", "price": "1.00",
             "image": {"receipt": receipt}}
    problem(api.post("/api/orders", draft), 409, "image-mismatch")
    draft["accept_mismatch"] = True
    assert api.post("/api/orders", draft).status_code == 201


def test_a_real_photo_cut_short_is_unsure(api):
    content = photo("dog")
    if content is None:
        pytest.skip("the package with the photo cannot be had")
    body = send(api, content[:len(content) // 2]).json()
    assert (body["verdict"], body["reason"]) == ("unsure", "damaged")


def mutate(dice, content):
    """Bytes changed, cut out, doubled or cut off."""
    content = bytearray(content)
    for _ in range(dice.choice((1, 1, 2, 8, 64))):
        at = dice.randrange(len(content)) if dice.random() < 0.5 \
            else dice.randrange(min(2000, len(content)))
        kind = dice.random()
        if kind < 0.6:
            content[at] = dice.randrange(256)
        elif kind < 0.75:
            del content[at:at + dice.randrange(1, 200)]
        elif kind < 0.9:
            content[at:at] = content[at:at + dice.randrange(1, 200)]
        else:
            content[at:at + 4] = dice.choice((b"\xff" * 4, b"\0" * 4,
                                              b"\x7f\xff\xff\xff"))
    if dice.random() < 0.1:
        del content[dice.randrange(1, len(content)):]
    return bytes(content) or b"\0"


def test_mutated_photos_harm_nothing(desk, api, addresses):
    """ORDERMILL_MUTATED=3000 for the long run. Every tenth is a good one."""
    sources = [one for one in map(photo, ("dog", "coffee", "cat", "eagle"))
               if one]
    if not sources:
        pytest.skip("no photos can be had")
    sources.append(as_webp(sources[0]))
    good = photo("coffee") and "coffee" or "dog"
    pids = [desk.programs[name].pid for name in ("recognize_uploaded_image",
                                                 "recognizer")]
    workers = desk.programs["recognize_uploaded_image"].workers()
    dice = random.Random(1)
    verdicts = {}
    for number in range(MUTATED):
        if number % 40 == 0:    # rate limits go by address
            api = Api(desk, api.token, next(addresses))
        answer = send(api, mutate(dice, sources[number % len(sources)]))
        key = answer.json()["reason"] if answer.status_code == 200 \
            else answer.status_code
        verdicts[key] = verdicts.get(key, 0) + 1
        if number % 10 == 9:
            body = look(api, good, "a cup of coffee")
            assert body["labels"][0]["name"] == SEEN[good][0], body
    print(verdicts)
    assert pids == [desk.programs[name].pid for name in (
        "recognize_uploaded_image", "recognizer")]
    assert workers == desk.programs["recognize_uploaded_image"].workers()
    assert LIMIT_S == 6


def as_webp(content):
    """The photo as WebP."""
    import subprocess
    import tempfile
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        file.write(content)
        file.flush()
        return subprocess.run(["cwebp", "-quiet", file.name, "-o", "-"],
                              check=True, capture_output=True).stdout
