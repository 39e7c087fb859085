"""ordermill backup and restore-backup: nothing is lost, whatever happens
meanwhile"""
import glob
import itertools
import json
import os
import shutil
import stat
import subprocess
import tempfile
import threading
import time

import pytest

from desk import Desk
from profiles import stop_and_remove
from support import Api, archived, png, wait_until

pytestmark = pytest.mark.local("AWS keeps backups of its own")

# Each file takes 2 ms: there is time for much between the database and the last.
SLOW = ["strace", "-o", "/dev/null", "-E", "ASAN_OPTIONS=detect_leaks=0",
        "-e", "inject=openat:delay_enter=2000"]


@pytest.fixture
def restore(profile):
    """A desk that is made from a backup, in a new state or `on` that of another
    one; started by the test."""
    desks = []

    def make(folder, *options, on=None):
        desk = Desk(on.state if on else tempfile.mkdtemp(prefix="desk-"),
                    overrides={"profile": profile})
        desks.append(desk)
        desk.make_folders()
        desk.write_config()
        return desk, desk.command("restore-backup", *options, str(folder),
                                  check=False)
    yield make
    stop_and_remove(desks)


@pytest.fixture(scope="module")
def source(make_desk):
    return make_desk()


@pytest.fixture(scope="module")
def api(source):
    return Api(source, source.token())


@pytest.fixture(scope="module")
def backup(source, api, tmp_path_factory):
    """A live order with a photo, and one that was deleted."""
    seen = api.raw("POST", "/api/images?description=mug", png(),
                   "image/png").json()
    live = api.order(description="mug", image={"receipt": seen["receipt"]})
    gone = api.order(description="gone")
    api.delete("/api/orders/" + gone["id"])
    archived(api, gone["id"], ("done",))
    folder = tmp_path_factory.mktemp("backup") / "one"
    source.command("backup", f"{folder}/")
    return folder, live, gone


def test_a_restored_desk_is_the_desk(backup, restore, api):
    folder, live, gone = backup
    desk, done = restore(folder)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert stat.S_IMODE(os.stat(
        os.path.join(desk.state, "secrets")).st_mode) == 0o700
    desk.start()
    again = Api(desk, api.token)
    order = again.get("/api/orders/" + live["id"])
    assert order.status_code == 200
    restored = order.json()
    photo = restored["image"].pop("url")
    live["image"].pop("url", None)
    assert restored == live
    assert again.raw("GET", photo.replace(desk.url, ""), None, None,
                     token=None).status_code == 200
    assert again.get("/api/archive/" + gone["id"]).json()["order"] == \
        api.get("/api/archive/" + gone["id"]).json()["order"]
    # and it works on
    again.delete("/api/orders/" + live["id"])
    archived(again, live["id"], ("done",))


def test_secrets_are_closed_and_every_file_has_its_sum(backup):
    folder, _, _ = backup
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    for path in glob.glob(str(folder / "secrets" / "*")):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path
    subprocess.run(["sha256sum", "--quiet", "--strict", "-c", "SHA256SUMS"],
                   cwd=folder, check=True)
    names = {os.path.relpath(os.path.join(where, name), folder)
             for where, _, files in os.walk(folder) for name in files}
    with open(folder / "SHA256SUMS", encoding="utf-8") as file:
        listed = {line[66:].rstrip("\n") for line in file}
    assert names == listed | {"SHA256SUMS"}
    assert {"ordermill.db", "tokens", "secrets/site.key",
            "secrets/objects.key", "event_bus/key.pem"} <= listed


def test_the_last_backup_is_noted(backup, source, api):
    metrics = api.get("/metrics", token=None).text
    seconds = int(metrics.split("\nordermill_last_backup_timestamp_seconds ")[
        1].split("\n")[0])
    assert abs(time.time() - seconds) < 600
    lines = source.command("check").stdout.splitlines()
    assert [line for line in lines
            if line.startswith("ok") and "backup" in line]


def test_a_running_desk_is_not_restored(backup, source, api):
    folder, live, _ = backup
    done = source.command("restore-backup", "--replace", str(folder),
                          check=False)
    assert done.returncode == 1
    assert "stop the desk first" in done.stderr
    assert api.get("/api/orders/" + live["id"]).status_code == 200


def test_responders_without_a_relay_are_a_running_desk(backup, source):
    source.pause_program("relay")
    try:
        done = source.command("restore-backup", "--replace", str(backup[0]),
                              check=False)
    finally:
        source.resume_program("relay")
    assert "stop the desk first" in done.stderr


def test_a_state_that_is_in_use_is_replaced_only_when_told(
        backup, restore, api):
    folder, live, gone = backup
    desk, done = restore(folder)
    desk.start()
    again = Api(desk, api.token)
    newer = again.order(description="newer than the backup")
    again.delete("/api/orders/" + newer["id"])
    archived(again, newer["id"], ("done",))
    desk.stop()
    done = restore(folder, on=desk)[1]
    assert done.returncode == 1
    assert "--replace" in done.stderr
    desk, done = restore(folder, "--replace", on=desk)
    assert done.returncode == 0, done.stderr
    kept = glob.glob(os.path.join(desk.state, "ordermill.db.replaced-*"))
    assert len(kept) == 1 and kept[0] in done.stdout
    assert "ordermill.db" in os.listdir(kept[0])
    # the archive of the newer order is not lost, and is in no report
    assert len([name for name in os.listdir(kept[0])
                if name.endswith(".json")]) == 1
    desk.start()
    again = Api(desk, api.token)
    assert again.get("/api/orders/" + live["id"]).status_code == 200
    assert again.get("/api/orders/" + newer["id"]).status_code == 404
    assert again.get("/api/archive/" + gone["id"]).status_code == 200


def test_what_a_backup_replaces_is_kept(backup, restore):
    folder = backup[0]
    desk, done = restore(folder)
    assert done.returncode == 0, done.stderr
    desk.command("token", "add", "newer-than-the-backup")
    key = os.path.join(desk.state, "secrets", "site.key")
    os.chmod(key, 0o600)
    with open(key, "w", encoding="utf-8") as file:
        file.write("1" * 64 + "\n")
    done = restore(folder, "--replace", on=desk)[1]
    assert done.returncode == 0, done.stderr
    kept, = glob.glob(os.path.join(desk.state, "ordermill.db.replaced-*"))
    assert {"ordermill.db", "tokens", "secrets-site.key"} <= set(
        os.listdir(kept))
    with open(os.path.join(kept, "tokens"), encoding="utf-8") as file:
        assert "newer-than-the-backup" in file.read()
    assert stat.S_IMODE(os.stat(
        os.path.join(kept, "secrets-site.key")).st_mode) == 0o600
    # what is the same is not kept twice
    assert not [name for name in os.listdir(kept) if "objects" in name]


def test_a_restore_that_is_broken_off_leaves_no_desk(backup, restore):
    """Half a desk would start, and say of archived orders that they are
    missing."""
    folder, live, gone = backup
    desk, done = restore(folder)
    objects = os.path.join(desk.objects_dir, "archive")
    shutil.rmtree(objects)
    with open(objects, "w", encoding="utf-8"):
        pass
    done = restore(folder, "--replace", on=desk)[1]
    assert done.returncode == 1 and "archive" in done.stderr
    assert not os.path.exists(os.path.join(desk.state, "ordermill.db"))
    done = desk.command("export", check=False)
    assert done.returncode == 1, done.stdout
    os.unlink(objects)
    time.sleep(1)       # the folders for what is replaced are named by second
    done = restore(folder, "--replace", on=desk)[1]
    assert done.returncode == 0, done.stderr
    assert live["id"] in desk.command("export").stdout


def test_objects_may_lie_on_another_disk(backup, restore):
    folder = backup[0]
    if not os.access("/dev/shm", os.W_OK) or \
            os.stat("/dev/shm").st_dev == os.stat(folder).st_dev:
        pytest.skip("there is no other file system")
    objects = tempfile.mkdtemp(prefix="objects-", dir="/dev/shm")
    try:
        desk = restore(folder)[0]
        desk.overrides["object_archive.directory"] = objects
        unknown = os.path.join(
            objects, "archive/2026/11/24/"
            "01934567-89ab-7def-8123-000000000001.json")
        os.makedirs(os.path.dirname(unknown))
        with open(unknown, "w", encoding="utf-8") as file:
            file.write("{}")
        desk.write_config()
        done = desk.command("restore-backup", "--replace", str(folder),
                            check=False)
        assert done.returncode == 0, done.stderr
        assert not os.path.exists(unknown)
        kept, = glob.glob(os.path.join(
            desk.state, "*.replaced-*", os.path.basename(unknown)))
        with open(kept, encoding="utf-8") as file:
            assert file.read() == "{}"
    finally:
        shutil.rmtree(objects)


def flip(path):
    with open(path, "r+b") as file:
        file.seek(100)
        byte = file.read(1)
        file.seek(100)
        file.write(bytes([byte[0] ^ 1]))


def outside(folder):
    shutil.copy(folder / "tokens", folder.parent / "x")
    change_sums(folder, "  tokens", "  objects/../../x")


def change_sums(folder, old, new):
    path = folder / "SHA256SUMS"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def an_object(folder):
    return glob.glob(str(folder / "objects/archive/*/*/*/*"))[0]


@pytest.mark.parametrize("damage, says", [
    (lambda folder: flip(folder / "ordermill.db"), "ordermill.db"),
    (lambda folder: flip(an_object(folder)), "archive"),
    (lambda folder: os.unlink(folder / "tokens"), "tokens"),
    (lambda folder: os.unlink(folder / "SHA256SUMS"), "SHA256SUMS"),
    (lambda folder: change_sums(folder, "  tokens", "  ../x"), "../x"),
    (outside, "objects/../../x"),
    (lambda folder: change_sums(folder, "  tokens", "  /etc/passwd"),
     "/etc/passwd"),
    (lambda folder: change_sums(folder, "  tokens", "  objects/.hidden"),
     ".hidden"),
    (lambda folder: change_sums(folder, "  tokens", " tokens"), "sha256sum"),
    (lambda folder: (folder / "SHA256SUMS").write_text(""), "ordermill.db"),
], ids=["database", "object", "file", "sums", "above", "hidden above", "root",
        "dot", "line", "empty"])
def test_a_damaged_backup_changes_nothing(backup, restore, tmp_path, damage,
                                          says):
    folder = tmp_path / "copy"
    shutil.copytree(backup[0], folder)
    damage(folder)
    desk, done = restore(folder)
    assert done.returncode == 1, done.stdout
    assert says in done.stderr, done.stderr
    assert not os.path.exists(os.path.join(desk.state, "ordermill.db"))
    assert not os.listdir(desk.objects_dir)


def test_a_missing_archive_object_is_named(backup, restore, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(backup[0], folder)
    path = an_object(folder)
    os.unlink(path)
    name = os.path.relpath(path, folder)
    sums = folder / "SHA256SUMS"
    sums.write_text("".join(line for line in
                            sums.read_text().splitlines(True)
                            if not line.endswith(name + "\n")))
    done = restore(folder)[1]
    assert done.returncode == 1
    assert name.replace("objects/", "") in done.stderr
    assert backup[2]["id"] in done.stderr


def test_a_backup_makes_its_folder_and_touches_no_other(source, tmp_path):
    done = source.command("backup", str(tmp_path), check=False)
    assert done.returncode == 1 and "is there already" in done.stderr
    (tmp_path / "x.partial").mkdir()
    done = source.command("backup", str(tmp_path / "x"), check=False)
    assert done.returncode == 1 and "x.partial" in done.stderr
    assert not (tmp_path / "x").exists()
    done = source.command("backup", str(tmp_path / "no" / "x"), check=False)
    assert done.returncode == 1
    assert source.command("backup", check=False).returncode == 2


def test_a_desk_on_aws_is_told_what_to_do_instead(source, tmp_path):
    path = tmp_path / "aws.conf"
    with open(source.config, encoding="utf-8") as file:
        path.write_text(file.read() + "database.adapter = dynamodb\n")
    for command in ("backup", "restore-backup"):
        done = source.command("-c", str(path), command, str(tmp_path / "x"),
                              check=False)
        assert done.returncode == 1
        assert "dynamodb" in done.stderr


class Load:
    """Makes, changes and deletes orders, and keeps what it was told."""

    def __init__(self, desk, token):
        self.desk, self.token = desk, token
        self.stop, self.lock = threading.Event(), threading.Lock()
        self.gone, self.strange = {}, []
        self.threads = [threading.Thread(target=self.work) for _ in range(4)]

    def work(self):
        client = Api(self.desk, self.token)
        while not self.stop.is_set():
            path = "/api/orders/" + client.order()["id"]
            changed = client.patch(path, {"notes": "n"},
                                   headers={"If-Match": '"1"'})
            deleted = client.delete(path)
            with self.lock:
                if (changed.status_code, deleted.status_code) != (200, 200):
                    self.strange.append((changed.text, deleted.text))
                self.gone[path[-36:]] = changed.content

    def so_far(self):
        with self.lock:
            return dict(self.gone)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def back_up(desk, folder, slowly):
    slow = SLOW if slowly and shutil.which("strace") else []
    subprocess.run([*slow, desk.ordermill, "backup", str(folder)], check=True,
                   env=desk.environment, stdout=subprocess.DEVNULL)


def test_backups_under_load_lose_nothing(make_desk, restore, tmp_path):
    desk = make_desk()
    token = desk.token()
    Api(desk, token).order(description="stays")
    told = []
    with Load(desk, token) as load:
        for n in range(4):
            wait_until(lambda: len(load.so_far()) > 20 * (len(told) + 1),
                       wait_s=60, what="orders that come and go")
            told.append(load.so_far())
            back_up(desk, tmp_path / str(n), slowly=n > 1)
    assert not load.strange
    for n, before in enumerate(told):
        again, done = restore(tmp_path / str(n))
        assert done.returncode == 0 and not done.stderr, (n, done.stderr)
        again.start()
        client = Api(again, token)
        wait_until(lambda: client.get("/readyz").json()["deletions"]["open"]
                   == 0, 30, "all deletions closed")
        alive = {json.loads(line)["id"]
                 for line in again.command("export").stdout.splitlines()}
        closed = {}
        for path in glob.glob(os.path.join(again.objects_dir,
                                           "archive/*/*/*/*")):
            with open(path, "rb") as file:
                content = file.read()
            order_id = json.loads(content)["order"]["id"]
            assert order_id not in closed
            closed[order_id] = content
        # never both; what was deleted is archived, with the bytes we were told
        assert alive and not alive & set(closed)
        assert set(before) <= set(closed), (n, len(before), len(closed))
        for order_id, content in before.items():
            assert content in closed[order_id]
        for order_id in list(closed)[:50]:
            assert client.get("/api/archive/" + order_id).status_code == 200
        again.stop()


@pytest.mark.skipif(not shutil.which("strace"), reason="there is no strace")
@pytest.mark.parametrize("call", ["newfstatat", "openat", "faccessat"])
def test_a_file_that_goes_meanwhile_is_not_missed(make_desk, tmp_path, call):
    """An operator may delete reports."""
    desk = make_desk()
    folder = os.path.join(desk.objects_dir, "reports")
    os.makedirs(folder, exist_ok=True)
    stop = threading.Event()

    def come_and_go():
        names = itertools.count()
        while not stop.is_set():
            paths = [os.path.join(folder, f"{next(names)}.pdf")
                     for _ in range(20)]
            for path in paths:
                with open(path, "w", encoding="utf-8"):
                    pass
            time.sleep(0.003)
            for path in paths:
                os.unlink(path)
    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for n in range(5):
            done = subprocess.run(
                ["strace", "-o", "/dev/null", "-E",
                 "ASAN_OPTIONS=detect_leaks=0", "-e",
                 f"inject={call}:delay_enter=2000", desk.ordermill, "backup",
                 str(tmp_path / str(n))], env=desk.environment,
                capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
    finally:
        stop.set()
        thread.join()


def test_an_archive_that_is_gone_altogether_is_missed(backup, restore,
                                                      tmp_path):
    desk = restore(backup[0])[0]
    shutil.rmtree(desk.objects_dir)
    done = desk.command("backup", str(tmp_path / "x"), check=False)
    assert done.returncode == 1 and "objects" in done.stderr
    assert not (tmp_path / "x").exists()
