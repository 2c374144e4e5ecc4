r"""What a shell and its daemon say to each other: fields with tabs between, and NUL at the end, which every shell can write.

    ran  COMMAND            of this session, in order; nothing is answered
    ask  NUMBER  LINE       up to the cursor, at which the line ends
         NUMBER  GHOST      the answer; nothing where nothing is worth showing

A shell has one question open at a time, so neither side ever has much to hold. Knows no socket.
"""

from typing import Final, NamedTuple

RAN: Final = "ran"
ASK: Final = "ask"
WANT: Final = b"want\t"
"""What bash and fish say to their bridge in place of a question, with a number: one that is interrupted leaves its answer."""
DID: Final = b"did\t"
"""What bash says to it of a command: a line of its history, number and all."""
END: Final = b"\0"
MOST_BYTES: Final = 1 << 16
"""Of one message; the scripts tell of no longer command and ask about no longer line than 1,000 characters."""


class Message(NamedTuple):
    """What a shell says."""

    verb: str
    text: str
    number: str = ""


def read(message: bytes) -> Message:
    """The message without its NUL; what is no UTF-8 is replaced. Raises ValueError for what is none."""
    verb, *rest = message.removesuffix(END).decode(errors="replace").split("\t", 1)
    text = rest[0] if rest else ""
    if verb == ASK:
        number, tab, line = text.partition("\t")
        if tab and number.isdecimal():
            return Message(verb, line, number)
    elif verb == RAN:
        return Message(verb, text)
    raise ValueError(verb)


def answer(number: str, ghost: str) -> bytes:
    """What is said to a question."""
    return f"{number}\t{ghost}".encode() + END
