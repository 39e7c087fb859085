"""The description, nginx, the operations' declarations and the problem types say
the same: no route, scope or problem in one and not in the others."""
import glob
import json
import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
IMPLIED = {"HEAD", "OPTIONS"}   # wherever GET is; everywhere
EVERY_RESPONDER = {"/livez", "/readyz", "/metrics"}
SAMPLE = "01934567-89ab-7def-8123-456789abcdef"


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


@pytest.fixture(scope="module")
def document():
    return json.loads(read("www", "openapi.json"))


def plain(path):
    """Two names of one path parameter are one path."""
    return re.sub(r"\{[a-z_]+\}", "{}", path)


def described(document):
    """(path, method) → scope or None"""
    return {(plain(path), method.upper()): operation.get("x-scope")
            for path, operations in document["paths"].items()
            for method, operation in operations.items() if method in METHODS}


def declared():
    """(path, method) → (operation, scope, accepted media types), as the
    operations declare them."""
    routes = {}
    for file in glob.glob(os.path.join(ROOT, "src", "operations", "*.c")):
        name = os.path.basename(file)[:-2]
        text = re.sub(r"/\*.*?\*/", "", read("src", "operations", name + ".c"),
                      flags=re.S)
        for route in re.finditer(r"\{[^{}]*\.methods\s*=([^,]*),((?:[^{}]|"
                                 r"\{[a-z_]+\})*)\}", text):
            path = re.search(r'\.path\s*=\s*"([^"]+)"', route[2])[1]
            scope = re.search(r'\.scope\s*=\s*"([^"]+)"', route[2])
            accepts = re.search(r'\.accepts\s*=\s*((?:"[^"]*"\s*)+)',
                                route[2])
            types = set(re.findall(r"[a-z*]+/[^\s,\"]+",
                                   accepts[1] if accepts else ""))
            for method in re.findall(r"HTTP_([A-Z]+)", route[1]):
                key = (plain(path), method)
                assert key not in routes, f"{key} in {name} and elsewhere"
                routes[key] = (name, scope and scope[1], types)
    assert routes, "no operation declares a route"
    return routes


class Site:
    """As much of nginx's configuration language as our site uses."""

    def __init__(self, text):
        text = re.sub(r"^\s*#.*$|\s#.*$", "", text, flags=re.M)
        self.maps = {
            name: dict(re.findall(r"(\S+)\s+(\S+);", body))
            for name, body in re.findall(
                r"map \$request_method (\$\w+) \{(.*?)\}", text, re.S)}
        self.locations = re.findall(
            r"location (=|\^~|~)? ?(\S+) \{(.*?)\n\}", text, re.S)

    def body_of(self, path):
        exact = [body for kind, name, body in self.locations
                 if kind == "=" and name == path]
        prefixes = [(len(name), body) for kind, name, body in self.locations
                    if kind in ("^~", "") and path.startswith(name)]
        return exact[0] if exact else max(prefixes)[1]

    def program_for(self, path, method):
        target = re.search(r"fastcgi_pass (\S+);", self.body_of(path))
        if not target:
            return None
        chosen = self.maps.get(target[1])
        if chosen is None:
            return target[1]
        return chosen.get(method, chosen["default"])

    def sends_to_programs(self):
        return [name for kind, name, body in self.locations
                if "fastcgi_pass" in body]


def site_text():
    """Without the prefixes that keep its names apart from other sites'."""
    text = (read("nginx", "http_ordermill.conf") +
            read("nginx", "server_ordermill.conf"))
    return text.replace("ordermill_", "").replace("$om_", "$")


@pytest.fixture(scope="module")
def site():
    return Site(site_text())


def test_the_description_and_the_operations_have_the_same_routes(document):
    code = {key for key in declared() if key[1] not in IMPLIED}
    paper = {key for key in described(document)
             if key[0] not in EVERY_RESPONDER | {"/objects/{}"}}
    assert code == paper


def test_the_description_and_the_operations_have_the_same_scopes(document):
    paper = described(document)
    for key, (name, scope, _) in declared().items():
        if key[1] not in IMPLIED:
            assert paper[key] == scope, f"{key} of {name}"


def test_the_description_and_the_operations_take_the_same_bodies(document):
    paper = {(plain(path), method.upper()):
             set(operation.get("requestBody", {}).get("content", {}))
             for path, operations in document["paths"].items()
             for method, operation in operations.items()}
    for key, (name, _, types) in declared().items():
        if key[1] not in IMPLIED and "*/*" not in types:
            assert paper[key] == types, f"{key} of {name}"


def test_nginx_sends_each_route_to_the_operation_that_declares_it(site):
    for (path, method), (name, _, _) in declared().items():
        if method == "OPTIONS":
            continue
        sent = site.program_for(path.replace("{}", SAMPLE), method)
        assert sent == name, f"{method} {path}"


def test_nginx_sends_objects_and_health_where_they_are_answered(site):
    for path in ("/readyz", "/metrics"):
        assert site.program_for(path, "GET") == "archive_deleted_orders"
    assert site.program_for("/objects/images/x.png", "GET") == "objects"
    assert site.program_for("/livez", "GET") is None


def test_nginx_sends_nothing_that_is_not_described(site, document):
    paths = [re.sub(r"\{[a-z_]+\}", SAMPLE, path) for path in document["paths"]]
    for name in site.sends_to_programs():
        assert any(path == name or (name.endswith("/") and
                                    path.startswith(name))
                   for path in paths), name


def test_every_program_behind_nginx_is_an_operation(site):
    files = {os.path.basename(file)[:-2] for file in
             glob.glob(os.path.join(ROOT, "src", "operations", "*.c"))}
    upstreams = set(re.findall(r"^upstream (\w+)", site_text(), re.M))
    assert upstreams == files | {"objects"}
    assert len(files) == 11


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_reference_leads_somewhere_and_every_part_is_used(document):
    used = set(references(document))
    for reference in used:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
    for kind, parts in document["components"].items():
        for name in parts if kind != "securitySchemes" else ():
            assert f"#/components/{kind}/{name}" in used


def test_every_operation_has_a_name_of_its_own(document):
    names = [operation["operationId"]
             for operations in document["paths"].values()
             for operation in operations.values()]
    assert len(names) == len(set(names))
    for file in glob.glob(os.path.join(ROOT, "src", "operations", "*.c")):
        assert os.path.basename(file)[:-2] in names


def test_a_scope_means_a_token_and_its_refusals(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            scope = operation.get("x-scope")
            assert operation["security"] == (
                [{"token": [scope]}] if scope else []), f"{method} {path}"
            if scope:
                assert {"401", "403"} <= set(operation["responses"])


def test_the_description_is_valid_openapi(document):
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(document)


# --- problems

def kinds():
    """slug → status"""
    return {slug: int(status) for status, slug in re.findall(
        r'X\([A-Z_]+, (\d+), "([a-z-]+)"', read("src", "base", "error.h"))}


def test_the_description_names_every_problem_with_its_status(document):
    named = {}
    for response in document["components"]["responses"].values():
        for slug in re.findall(r"/problems/([a-z-]+)", response["description"]):
            assert slug not in named
            named[slug] = response
    assert set(named) == set(kinds())


def test_nginx_names_only_problems_that_exist():
    slugs = re.search(r"map \$status \$problem_slug \{(.*?)\}",
                      site_text(), re.S)[1]
    for slug in re.findall(r"\S+\s+(\S+);", slugs):
        assert slug in kinds()


@pytest.mark.parametrize("format_name, path", [
    ("markdown", ("docs", "ERRORS.md")), ("html", ("www", "problems.html"))])
def test_the_documents_of_problems_are_current(format_name, path):
    build = os.environ.get("ORDERMILL_BUILD") or os.path.join(ROOT, ".build")
    made = subprocess.run(
        [os.path.join(build, "src", "ordermill", "ordermill"), "errors",
         "--format=" + format_name], check=True, capture_output=True,
        text=True).stdout
    assert made == read(*path), "make it anew: ordermill errors"
    assert "(null)" not in made
    for slug in kinds():
        assert slug in made


def test_the_page_of_problems_has_the_desks_icon():
    icon = re.search("<link rel=\"icon\"[^>]*>", read("www", "index.html"))[0]
    assert icon in read("www", "problems.html")


def test_the_page_of_problems_obeys_the_content_security_policy():
    page = read("www", "problems.html")
    assert "<style" not in page and " style=" not in page
    assert not re.search(r"<script(?![^>]* src=\"/)[^>]*>", page)
    for slug in kinds():
        assert f'id="{slug}"' in page
