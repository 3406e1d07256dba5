import pytest

import check


@pytest.mark.parametrize(
    "line",
    [
        '"resolved' + '": "https://example.invalid/htmx.tgz",',
        "--index-" + "url https://example.invalid/simple",
        "--extra-index-" + "url https://example.invalid/simple",
        "--find-" + "links wheels",
        "see /ho" + "me/li/linli",
        'path = "/ro' + 'ot/linli"',
    ],
)
def test_a_line_that_belongs_to_one_machine_is_found(line):
    assert any(pattern.search(line) for pattern in check.FOREIGN.values())


@pytest.mark.parametrize(
    "line",
    [
        "omit-lockfile-registry-resolved=true",
        "GET /homes and /households/1",
        "https://linli.example/home/1",
        "webapp/work/rules.py",
        "flask==3.1.3 \\",
    ],
)
def test_an_honest_line_is_left_alone(line):
    assert not any(pattern.search(line) for pattern in check.FOREIGN.values())
