"""Compressing pages: the style sheet that stands in each of them is packed once, the rest as it goes out."""

import struct
import zlib

LEVEL = 5
_RAW = -zlib.MAX_WBITS
_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


class Packer:
    """Makes gzip bodies. A deflate stream may be put together from pieces that end in a full flush (RFC 1951)."""

    def __init__(self, constant: bytes) -> None:
        self._constant = constant
        packer = zlib.compressobj(9, zlib.DEFLATED, _RAW, 9)
        self._packed = packer.compress(constant) + packer.flush(zlib.Z_FULL_FLUSH)

    def pack(self, body: bytes) -> bytes:
        """The body as gzip."""
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, _RAW)
        before, constant, after = body.partition(self._constant)
        parts = [_HEAD, packer.compress(before)]
        if constant:
            # After a full flush nothing points back, so foreign bytes may stand in between.
            parts += [packer.flush(zlib.Z_FULL_FLUSH), self._packed, packer.compress(after)]
        parts += [packer.flush(), struct.pack("<LL", zlib.crc32(body), len(body) & 0xFFFFFFFF)]
        return b"".join(parts)
