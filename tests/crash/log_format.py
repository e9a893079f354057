"""log_format.py - reads and rewrites frames of a log by docs/formats/log-v1.md: code of its own, so that it can disagree.

Only what tampering needs: find the frames of a segment, unpack one (none, lz4), change a manifest, write it back with codec none and right
checksums.
"""
import dataclasses
import struct

HEADER = struct.Struct("<4sHBBQIIIIq16sII")  # 64 bytes


def _crc_table():
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


CRC_TABLE = _crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283


def lz4_block(packed):
    """Sequences of literals and copies of what was unpacked before."""
    out = bytearray()
    at = 0

    def length(nibble):
        nonlocal at
        total = nibble
        while nibble == 15:
            byte = packed[at]
            at += 1
            total += byte
            if byte != 255:
                break
        return total

    while at < len(packed):
        token = packed[at]
        at += 1
        literals = length(token >> 4)
        out += packed[at:at + literals]
        at += literals
        if at == len(packed):  # the last sequence has no copy
            break
        distance = packed[at] | packed[at + 1] << 8
        at += 2
        for _ in range(length(token & 15) + 4):
            out.append(out[-distance])
    return bytes(out)


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


@dataclasses.dataclass
class Request:
    source: bytes
    received: int
    accepted: int
    rejected: int
    records: int


@dataclasses.dataclass
class Frame:
    at: int          # in its file
    end: int
    first: int       # offset of the first record
    records: int
    arrived_ms: int
    data_id: bytes
    requests: list
    rest: bytes      # the records, as they are

    @staticmethod
    def read(data, at):
        """The frame at a place of a segment's bytes, or None where there is none."""
        if len(data) < at + HEADER.size or data[at:at + 4] != b"SLOG":
            return None
        _, version, codec, _, first, records, stored_bytes, payload_bytes, crc, arrived, data_id, _, header_crc = HEADER.unpack_from(data, at)
        stored = data[at + HEADER.size:at + HEADER.size + stored_bytes]
        assert version == 1 and header_crc == crc32c(data[at:at + 60]) and crc == crc32c(stored), f"a damaged frame at {at}"
        payload = {0: lambda: stored, 1: lambda: lz4_block(stored)}[codec]()
        assert len(payload) == payload_bytes, f"the frame at {at} unpacks to {len(payload)} bytes, not {payload_bytes}"
        count, here = read_varint(payload, 0)
        requests = []
        for _ in range(count):
            size, here = read_varint(payload, here)
            source, here = payload[here:here + size], here + size
            numbers = []
            for _ in range(4):
                number, here = read_varint(payload, here)
                numbers.append(number)
            requests.append(Request(source, *numbers))
        return Frame(at, at + HEADER.size + stored_bytes, first, records, arrived, data_id, requests, payload[here:])

    def encoded(self):
        payload = bytearray(varint(len(self.requests)))
        for request in self.requests:
            payload += varint(len(request.source)) + request.source
            payload += b"".join(map(varint, (request.received, request.accepted, request.rejected, request.records)))
        payload += self.rest
        header = HEADER.pack(b"SLOG", 1, 0, 0, self.first, self.records, len(payload), len(payload), crc32c(payload), self.arrived_ms,
                             self.data_id, 0, 0)[:60]
        return header + struct.pack("<I", crc32c(header)) + bytes(payload)


def last_segment(data_directory):
    return sorted((data_directory / "log").glob("*.log"))[-1]


def frames(path):
    data = path.read_bytes()
    found = []
    while frame := Frame.read(data, found[-1].end if found else 0):
        found.append(frame)
    return found
