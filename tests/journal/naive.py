"""The record format in plain Python: slow, obvious, and written from the description alone."""

from __future__ import annotations

WORD = 1 << 64
MULTIPLIER = 0x9E3779B97F4A7C15
SEEDS = (0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89)


def mix(lane: int, word: int) -> int:
    lane ^= word
    rotated = (lane << 29 | lane >> 35) % WORD
    return rotated * MULTIPLIER % WORD


def record_bytes(kind: int, source: int, time_ns: int, payload: bytes, first_word: int) -> bytes:
    """One whole record as it lies in a segment, beginning at word ``first_word`` of it."""
    commit = (24 + len(payload)) | kind << 32 | source << 48
    padded = payload + bytes(-len(payload) % 8)
    words = [int.from_bytes(padded[i : i + 8], "little") for i in range(0, len(padded), 8)]
    lanes = [mix(SEEDS[0], commit), mix(SEEDS[1], time_ns % WORD), mix(SEEDS[2], first_word), SEEDS[3]]
    in_whole_groups = len(payload) // 32 * 4
    for i, word in enumerate(words):
        lane = i % 4 if i < in_whole_groups else 0
        lanes[lane] = mix(lanes[lane], word)
    checksum = mix(mix(mix(lanes[0], lanes[1]), lanes[2]), lanes[3])
    header = b"".join(word.to_bytes(8, "little") for word in (commit, time_ns % WORD, checksum))
    return header + padded
