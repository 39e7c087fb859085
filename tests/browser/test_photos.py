"""The verdict on the page, by the recognizer and real photos."""
import os

import pytest

from photos import photo
from support import Api
from test_screens import axe, barriers  # noqa: F401

BOX = ".photo-now .verdict-words"


pytestmark = pytest.mark.local("the recognizer is the same in every profile")


@pytest.fixture(scope="module")
def desk(recognizing_desk):
    if not os.path.exists(os.path.join(recognizing_desk.state, "models",
                                       "coco-ssd.model")):
        pytest.skip("the model could not be fetched")
    return recognizing_desk


@pytest.fixture(scope="module")
def token(desk):
    return desk.token()


@pytest.fixture(scope="module")
def api(desk, token):
    return Api(desk, token)


@pytest.fixture
def chosen(page, tmp_path):
    """Puts a photo into the form."""
    def choose(name):
        content = photo(name)
        if content is None:
            pytest.skip(f"the package with the photo '{name}' cannot be had")
        path = tmp_path / (name + ".photo.png")
        path.write_bytes(content)
        page.until(lambda: page.all("[name=photo]"), "the form")[0] \
            .send_keys(str(path))
    return choose


def order_at(page, api):
    page.wait(".panel #delete")
    return api.get(page.path().replace("/orders", "/api/orders")).json()


def test_a_photo_that_fits_is_said_to_while_the_form_is_filled_in(
        page, api, chosen):
    page.open("/orders/new")
    chosen("coffee")
    page.says(".photo-now", "as soon as there is a description")
    page.fill("[name=description]", "a cup of coffee")
    page.fill("[name=price]", "3")
    page.says(BOX + "[data-verdict=match]", "fits the description",
              "a cup (", "you wrote “a cup of coffee”")
    page.says("[role=status].unseen", "fits the description")
    page.click("#save")
    image = order_at(page, api)["image"]
    assert (image["verdict"], image["accepted_by_user"]) == ("match", False)
    page.says(".photo [data-verdict=match]", "The photo shows a cup (")


def test_a_mismatch_is_overruled_by_hand_and_the_order_says_so(
        page, api, chosen):
    page.open("/orders/new")
    page.fill("[name=description]", "a mountain bike")
    page.fill("[name=price]", "3")
    chosen("cat")
    page.says(BOX + "[data-verdict=mismatch]", "something else", "a cat (",
              "but you wrote “a mountain bike”")
    page.click("#save")
    page.says('[data-name="image"] > .error-text', "Use this photo")
    page.until(lambda: page.focused() == "accept-photo",
               "the focus where it is decided")
    page.keys(" ")
    page.wait("#accept-photo[aria-pressed=true]")
    page.keys(" ")
    page.wait("#accept-photo[aria-pressed=false]")
    page.click("#accept-photo")
    page.click("#save")
    image = order_at(page, api)["image"]
    assert image["verdict"] == "mismatch" and image["accepted_by_user"]
    assert image["labels"][0]["name"] == "cat" and image["model"]
    page.says(".photo [data-verdict=mismatch]", "a cat (", "Accepted by hand")
    page.says("tr[data-id] .unseen", "does not match, accepted by hand")


def test_another_description_gets_another_verdict(page, chosen):
    page.open("/orders/new")
    page.fill("[name=description]", "a bicycle")
    chosen("cat")
    page.wait(BOX + "[data-verdict=mismatch]")
    page.click("#accept-photo")
    page.fill("[name=description]", "my cat")
    page.fill("[name=price]", "3")
    page.says(BOX + "[data-verdict=match]", "a cat (")
    # what was accepted was another pair
    page.fill("[name=description]", "a pizza")
    page.fill("[name=price]", "4")
    page.wait(BOX + "[data-verdict=mismatch]")
    page.wait("#accept-photo[aria-pressed=false]")


def test_what_the_model_does_not_know_is_no_mismatch(page, chosen):
    page.open("/orders/new")
    page.fill("[name=description]", "a butterfly net")
    chosen("cat")
    page.says(BOX + "[data-verdict=not_checked]", "was not checked",
              "does not know")
    assert not page.has("#accept-photo")


@pytest.mark.parametrize("width", [1280, 768, 360])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_verdict_bars_nobody_and_stays_in_the_window(
        page, chosen, axe, width, dark):  # noqa: F811
    page.look(width, dark)
    page.open("/orders/new")
    page.fill("[name=description]", "a mountain bike")
    chosen("cat")
    page.wait(BOX + "[data-verdict=mismatch]")
    page.click("#accept-photo")
    assert barriers(page, axe, only_colours=False) == []
    assert page.run("return document.documentElement.scrollWidth"
                    " <= innerWidth")
