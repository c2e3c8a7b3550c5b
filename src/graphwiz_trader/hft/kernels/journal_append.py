"""One record into a mapped journal segment: copy, checksum, commit, as one compiled call.

A segment is seen as little-endian 64-bit words. A record is a header of three words and the payload, padded
with zeros to whole words:

    word 0   commit word: size | kind << 32 | source << 48; size = bytes of header and payload, unpadded
    word 1   time_ns
    word 2   checksum
    word 3…  payload

**Checksum.** ``mix(lane, word) = rotate_left(lane ^ word, 29) * MULTIPLIER`` modulo 2^64. Four lanes start as
``mix(SEEDS[0], commit word)``, ``mix(SEEDS[1], time_ns)``, ``mix(SEEDS[2], index of the record's first word in
its segment)`` and ``SEEDS[3]``. Payload word i goes into lane i mod 4, but the words after the last whole group
of four all go into lane 0. The checksum is ``mix(mix(mix(lane 0, lane 1), lane 2), lane 3)``. Four lanes,
because one would wait for its own multiplication at every word. ``mix`` is one-to-one in each argument, so
damage inside one word is always found; any other damage is missed about once in 2^64.

**Commit.** A reader in another process takes a record once its commit word is not zero, so that word must
become visible after all the others. The compiler may reorder plain stores; a store with release ordering forbids
it to move an earlier one behind it, and x86-64 does not reorder stores among themselves (on ARM the same store
becomes ``stlr``). The cursor in the segment's header follows in the same way: it points past a missing commit
word only if the file was damaged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import typeof, types

from graphwiz_trader.hft.kernels.jit import inlined, instruction, kernel

HEADER_WORDS = 3
"""Words of a record before its payload."""
SEAL_KIND = 0xFFFF
"""The kind of the record that ends a segment; all others are below."""
LIMIT_WORD = 14
"""The word of a segment's header that says before which word a record must end."""
CURSOR_WORD = 15
"""The word of a segment's header that holds the index of the first free word."""

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
SEEDS = (
    np.uint64(0x243F6A8885A308D3),
    np.uint64(0x13198A2E03707344),
    np.uint64(0xA4093822299F31D0),
    np.uint64(0x082EFA98EC4E6C89),
)
_LEFT = np.uint64(29)
_RIGHT = np.uint64(64 - 29)
_SEED_0, _SEED_1, _SEED_2, _SEED_3 = SEEDS


@instruction
def _words_at(_context: Any, _address: Any) -> Any:
    """The 64-bit words at an address. An integer costs 0.1 µs less per call than an array over the same memory."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], ir.IntType(64).as_pointer())

    return types.CPointer(types.uint64)(types.int64), generate  # type: ignore[no-untyped-call]


@instruction
def _store_release(_context: Any, words: Any, _index: Any, _value: Any) -> Any:
    """``words[index] = value``, visible to other processes after every store before it."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store_atomic(args[2], builder.gep(args[0], [args[1]]), "release", 8)
        return context.get_dummy_value()

    return types.void(words, types.int64, types.uint64), generate


@instruction
def _payload_word(_context: Any, payload: Any, _index: Any) -> Any:
    """Eight bytes of a ``bytes`` object as one load; the caller keeps ``8 * index + 8 <= len(payload)``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        words = builder.bitcast(array.data, ir.IntType(64).as_pointer())
        return builder.load(builder.gep(words, [args[1]]), align=1)

    return types.uint64(payload, types.int64), generate


@inlined
def mix(lane: np.uint64, word: np.uint64) -> np.uint64:
    """One step of the checksum."""
    lane = lane ^ word
    return ((lane << _LEFT) | (lane >> _RIGHT)) * MULTIPLIER


@inlined
def seeded_lanes(
    commit: np.uint64, time_word: np.uint64, first_word: int
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """The checksum's lanes before the payload: what the header says and where the record stands."""
    return mix(_SEED_0, commit), mix(_SEED_1, time_word), mix(_SEED_2, np.uint64(first_word)), _SEED_3


@kernel
def append_record(segment: int, kind: int, source: int, time_ns: int, payload: bytes) -> bool:
    """Append one record at the cursor of the segment mapped at address ``segment``.

    Returns False, with nothing written, when the record would end behind the segment's limit, ``kind`` is not in
    1…65535 or ``source`` not in 0…65535. The caller keeps the memory mapped.
    """
    if not (0 < kind <= SEAL_KIND and 0 <= source <= 0xFFFF):
        return False
    words = _words_at(segment)
    size = 8 * HEADER_WORDS + len(payload)
    first: Any = np.int64(words[CURSOR_WORD])
    end = first + (size + 7) // 8
    if end > np.int64(words[LIMIT_WORD]):
        return False
    commit = np.uint64(size) | np.uint64(kind) << np.uint64(32) | np.uint64(source) << np.uint64(48)
    lane0, lane1, lane2, lane3 = seeded_lanes(commit, np.uint64(time_ns), first)

    whole = len(payload) // 8
    grouped = whole // 4 * 4
    to = first + HEADER_WORDS
    for i in range(0, grouped, 4):
        word0 = _payload_word(payload, i)
        word1 = _payload_word(payload, i + 1)
        word2 = _payload_word(payload, i + 2)
        word3 = _payload_word(payload, i + 3)
        words[to + i] = word0
        words[to + i + 1] = word1
        words[to + i + 2] = word2
        words[to + i + 3] = word3
        lane0 = mix(lane0, word0)
        lane1 = mix(lane1, word1)
        lane2 = mix(lane2, word2)
        lane3 = mix(lane3, word3)
    for i in range(grouped, whole):
        word0 = _payload_word(payload, i)
        words[to + i] = word0
        lane0 = mix(lane0, word0)
    if 8 * whole < len(payload):
        word0 = np.uint64(0)
        for i in range(8 * whole, len(payload)):
            word0 |= np.uint64(payload[i]) << np.uint64(8 * (i & 7))
        words[to + whole] = word0
        lane0 = mix(lane0, word0)

    words[first + 1] = np.uint64(time_ns)
    words[first + 2] = mix(mix(mix(lane0, lane1), lane2), lane3)
    _store_release(words, first, commit)
    _store_release(words, CURSOR_WORD, np.uint64(end))
    return True


APPEND_ARGUMENTS = (types.int64, types.int64, types.int64, types.int64, typeof(b""))  # type: ignore[no-untyped-call]
"""Numba types of ``append_record``'s arguments, for ``jit.direct``."""
