"""Messages per second of the worker over those of a bare httpx client at the same local endpoint.

The bare client sends finished bodies over kept connections, with one thread and with as many as the worker has;
the better of the two counts. The worker leases, decrypts, renders, sends and settles. In turns, medians.
"""

import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from bench.stage import Stage
from tests.factories import make_deed
from tests.processes import ROOT, start_worker
from webapp.base import db, outbox
from webapp.base.actor import Actor
from webapp.base.ids import new_public_id
from webapp.base.outbox import Outgoing, Rank
from webapp.jobs.gateways.sms import SENDERS

MESSAGES = 1_500
PAIRS = 5
LONGEST_SECONDS = 60.0
SAID = {"community": "北辰社区", "hotline": "0826-3220013", "door": "3-2-501"}


def measure(stage: Stage) -> dict[str, float]:
    """The ratio, and both speeds."""
    endpoint = subprocess.Popen([sys.executable, "-m", "bench.endpoint"], cwd=ROOT, stdout=subprocess.PIPE)
    assert endpoint.stdout is not None
    base = f"http://127.0.0.1:{int(endpoint.stdout.readline())}"
    settings = {"LINLI_SMS_URL": base, "LINLI_SMS_PROTOCOL": "smsgate", "LINLI_SMS_TOKEN": "user:password"}
    worker = start_worker(stage.url, stage.directory, more=settings)
    try:
        _worker(stage, base)
        ours, bare = [], []
        for _ in range(PAIRS):
            bare.append(max(_bare(base, threads) for threads in (1, SENDERS)))
            ours.append(_worker(stage, base))
    finally:
        worker.stop()
        endpoint.kill()
        endpoint.wait()
        endpoint.stdout.close()
    ratios = [each / other for each, other in zip(ours, bare, strict=True)]
    return {
        "send_vs_endpoint": statistics.median(ratios),
        "sent_per_second": statistics.median(ours),
        "bare_client_per_second": statistics.median(bare),
    }


def _bare(base: str, threads: int) -> float:
    text = "【邻里·北辰社区】紧急召集:今晚21点北门岗亭,搬运。能来回1,不能回2。张*0826-3220013"
    with httpx.Client(trust_env=False, auth=("user", "password")) as client:

        def send(number: int) -> None:
            body = {
                "id": new_public_id(),
                "textMessage": {"text": text},
                "phoneNumbers": [f"+86138{number:08d}"],
                "withDeliveryReport": True,
                "priority": 100,
                "ttl": 3600,
            }
            if client.post(f"{base}/messages", json=body).status_code != 202:
                raise AssertionError("the endpoint refused")

        began = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(send, range(MESSAGES)))
        return MESSAGES / (time.perf_counter() - began)


def _worker(stage: Stage, base: str) -> float:
    deed = make_deed(Actor.system("bench"))
    messages = [
        Outgoing(
            template="confirmed", address=f"138{n:08d}", language="zh_Hans", rank=Rank.CALL, parameters=SAID
        )
        for n in range(MESSAGES)
    ]
    with httpx.Client(trust_env=False) as client:
        client.get(f"{base}/reset")
        with stage.app.app_context():
            db.writing(lambda: outbox.enqueue_many(deed, messages))()
        ends_at = time.monotonic() + LONGEST_SECONDS
        while (stats := client.get(f"{base}/stats").json())["ids"] < MESSAGES:
            if time.monotonic() > ends_at:
                raise SystemExit(f"only {stats['ids']} of {MESSAGES} messages left within a minute")
            time.sleep(0.02)
        with stage.app.app_context():
            while outbox.depth():
                time.sleep(0.02)
        stats = client.get(f"{base}/stats").json()
    if stats["calls"] != MESSAGES:
        raise SystemExit(f"{stats['calls']} calls for {MESSAGES} messages")
    return MESSAGES / float(stats["seconds"])
