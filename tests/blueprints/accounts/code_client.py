"""One client process of the code race: python code_client.py ORDERS; prints the statuses as JSON.

ORDERS is JSON: where to post, with which cookie and fields, and the instant at which all clients begin.
"""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        """A redirect is an answer."""


def main() -> None:
    orders = json.loads(sys.argv[1])
    opener = urllib.request.build_opener(_Stay)
    time.sleep(max(0.0, orders["begins_at"] - time.time()))
    statuses = []
    for url, fields in orders["posts"]:
        request = urllib.request.Request(
            url, urllib.parse.urlencode(fields).encode(), {"Cookie": orders["cookie"]}
        )
        try:
            statuses.append(opener.open(request, timeout=60).status)
        except urllib.error.HTTPError as refused:
            statuses.append(refused.code)
    sys.stdout.write(json.dumps(statuses))


if __name__ == "__main__":
    main()
