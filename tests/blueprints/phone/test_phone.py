"""The phone's own addresses: what it keeps, what it must ask for anew, and what names nobody."""

import gzip
import json
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient


def test_the_service_worker_is_asked_for_anew_and_knows_files_that_exist(cast):
    client = cast.client(None)
    answer = client.get("/sw.js")
    assert answer.status_code == 200
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    kept = json.loads(re.match(r"self\.LINLI=(.*?);\n", answer.get_data(as_text=True))[1])
    assert any("/app." in name for name in kept["files"])
    for address in kept["files"]:
        assert file_of(cast, address).is_file()


@pytest.mark.parametrize("packing", ["br", "gzip"])
def test_the_service_worker_goes_out_packed_and_only_once(cast, packing):
    client = cast.client(None)
    plain = client.get("/sw.js")
    answer = client.get("/sw.js", headers={"Accept-Encoding": packing})
    assert answer.headers["Content-Encoding"] == packing
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert len(answer.data) < len(plain.data) / 2
    again = client.get("/sw.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_the_page_for_no_network_names_nobody(cast):
    text = cast.client("ruth").get("/offline").get_data(as_text=True)
    assert "data-user" not in text
    assert "如诗" not in text
    assert "data-offline" in text


def test_the_outbox_page_may_be_kept_and_is_its_readers(cast):
    answer = cast.client("ruth").get("/outbox")
    assert answer.headers["X-Offline"] == "keep"
    assert f'data-user="{cast.people["ruth"].public_id}"' in answer.get_data(as_text=True)
    assert cast.client(None).get("/outbox").status_code == 200


@pytest.mark.parametrize(("language", "name"), [("zh_Hans", "邻里"), ("en", "Linli")])
def test_the_manifest_speaks_the_language_of_the_page_and_its_icons_exist(cast, language, name):
    client = cast.client(None)
    client.set_cookie("linli_language", language)
    answer = client.get("/manifest.webmanifest")
    manifest = answer.get_json(force=True)
    assert answer.mimetype == "application/manifest+json"
    assert (manifest["short_name"], manifest["lang"]) == (name, language.replace("_", "-"))
    for icon in manifest["icons"]:
        assert file_of(cast, icon["src"]).is_file()


def file_of(cast, address):
    return Path(cast.app.static_folder) / address.removeprefix("/static/")


def test_pages_go_out_packed_to_who_can_unpack_them(cast):
    # The linting client reads text only.
    client = FlaskClient(cast.app, cast.app.response_class)
    answer = client.get("/offline", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "</html>" in gzip.decompress(answer.data).decode()
    assert "Content-Encoding" not in client.get("/offline").headers
