"""How frames go wrong, for the properties of every decoder: odd values, oddly put members, damaged bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from hypothesis import strategies as st

from oracle.decoder import Refused

Texts = st.SearchStrategy[str]
Members = list[tuple[str, str]]
_Reading = TypeVar("_Reading")


def agreed(expected: _Reading, found: object) -> _Reading:
    """Both readings of a frame, which are the same; a refusal's reason is each side's own."""
    if isinstance(expected, Refused):
        assert isinstance(found, Refused), f"accepted what is to be refused ({expected.reason}): {found}"
    else:
        assert found == expected
    return expected


def mostly(usual: Texts, odd: Texts) -> Texts:
    return st.integers(0, 24).flatmap(lambda dice: odd if dice == 13 else usual)


def members_of(*members: tuple[str, Texts]) -> st.SearchStrategy[Members]:
    """An object's members in this order, each with a value of its own kind, as text."""
    return st.tuples(*(values.map(lambda value, key=key: (key, value)) for key, values in members)).map(list)


@st.composite
def odd_objects(
    draw: Callable[..., Members],
    members: st.SearchStrategy[Members],
    *,
    unknown: st.SearchStrategy[tuple[str, str]],
    keys: Iterable[str],
    values: Texts,
) -> str:
    """An object as text, with white space: sometimes members are missing, doubled, shuffled or strangers.

    A stranger is of ``unknown``, or one of the ``keys`` that mean something, with any of ``values``.
    """
    found = list(draw(members))
    for oddity in draw(st.lists(st.sampled_from(["drop", "double", "unknown", "foreign", "shuffle"]), max_size=3)):
        place = draw(st.integers(0, len(found)))
        if oddity == "unknown":
            found.insert(place, draw(unknown))
        elif oddity == "foreign":
            found.insert(place, (draw(st.sampled_from(sorted(keys))), draw(values)))
        elif oddity == "shuffle":
            found = draw(st.permutations(found))
        elif place < len(found):
            found[place : place + 1] = [found[place]] * (2 if oddity == "double" else 0)
    gap = draw(st.sampled_from(["", "", "", " ", "\r\n\t "]))
    return "{" + gap + f"{gap},{gap}".join(f'"{key}"{gap}:{gap}{value}' for key, value in found) + gap + "}"


@st.composite
def damaged(draw: Callable[..., bytes], whole: st.SearchStrategy[bytes]) -> bytes:
    """A frame after one to three accidents."""
    frame = bytearray(draw(whole))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(frame)))
        match draw(st.sampled_from(["truncate", "flip", "insert", "delete", "repeat"])):
            case "truncate":
                del frame[place:]
            case "flip" if place < len(frame):
                frame[place] ^= 1 << draw(st.integers(0, 7))
            case "insert":
                frame[place:place] = draw(
                    st.binary(max_size=8) | st.sampled_from([b'"', b"\\", b"{", b"]", b",", b"9" * 30])
                )
            case "delete":
                del frame[place : place + draw(st.integers(1, 9))]
            case "repeat":
                frame[place:place] = frame[place : place + draw(st.integers(1, 40))]
    return bytes(frame)
