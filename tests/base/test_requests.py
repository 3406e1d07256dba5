import threading

import pytest

from tests.factories import make_deed
from webapp.base import db, requests
from webapp.base.actor import Actor
from webapp.base.errors import RuleBroken

pytestmark = pytest.mark.db
ACTOR = Actor.system("test")


def do(deed, *, fail: bool = False):
    @db.writing
    def service():
        claim = requests.claim(deed)
        if claim.is_repeat:
            return claim
        if fail:
            raise RuleBroken("no")
        requests.settle(claim, outcome="made", object_id=41)
        return claim

    return service()


def test_the_first_time_a_key_is_new_and_then_it_is_a_repeat_with_the_object(in_app):
    deed = make_deed(ACTOR)
    assert not do(deed).is_repeat
    again = do(deed)
    assert (again.is_repeat, again.outcome, again.object_id) == (True, "made", 41)


def test_a_refused_deed_leaves_its_key_free(in_app):
    deed = make_deed(ACTOR)
    with pytest.raises(RuleBroken):
        do(deed, fail=True)
    assert not do(deed).is_repeat


def test_the_same_key_with_another_body_is_refused(in_app):
    deed = make_deed(ACTOR, key="same-key-1")
    do(deed)
    with pytest.raises(RuleBroken) as caught:
        do(make_deed(ACTOR, key="same-key-1", fingerprint="other"))
    assert caught.value.code == "key_reused"


def test_two_people_may_use_the_same_key(in_app):
    do(make_deed(ACTOR, key="same-key-1"))
    assert not do(make_deed(Actor.system("other"), key="same-key-1")).is_repeat


def test_of_many_at_once_exactly_one_is_first(in_app):
    deed, claims = make_deed(ACTOR), []

    def go() -> None:
        with in_app.app_context():
            claims.append(do(deed))

    threads = [threading.Thread(target=go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claim.is_repeat for claim in claims) == [False] + [True] * 7
