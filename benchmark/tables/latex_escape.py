"""Conversion of plain text to LaTeX that compiles under pdfLaTeX with the default font encoding, whatever the text.

Accented Latin letters, Greek and common signs keep their shape; any other character is replaced by its code point, such
as [U+65E5], because an undefined one would stop the compiler.
"""

import re
import unicodedata

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    '"': r"{\ttfamily\char34}",
    "`": r"{\ttfamily\char18}",
    # A bracket or star after \\ would be read as its argument.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "→": r"$\rightarrow$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "†": r"$\dagger$",
    "−": "$-$",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "…": r"\ldots{}",
    "’": "'",
    "‘": "`",
    "“": "``",
    "”": "''",
    "ß": r"\ss{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
}
# In the order of Unicode, without omicron (a Latin o in LaTeX) and the final sigma.
_GREEK_CODES = (*range(0x3B1, 0x3BF), *range(0x3C0, 0x3C2), *range(0x3C3, 0x3CA))
_GREEK_NAMES = (
    "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi "
    "pi rho sigma tau upsilon varphi chi psi omega"
)
_GREEK = {chr(code): rf"$\{name}$" for code, name in zip(_GREEK_CODES, _GREEK_NAMES.split(" "), strict=True)}
_SIGNS = _SPECIAL | _GREEK | {"µ": r"$\mu$"}
_ACCENTS = dict(
    zip("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327", "`'^~=u.\"rHvc", strict=True)
)
_LONG_WORD = 24  # words longer than this are not English and may be broken anywhere


def escape(text: str, breakable: bool = False) -> str:
    """Escape plain text for LaTeX.

    Args:
        text: The text; runs of white space become single blanks.
        breakable: Whether file names and other long words may be broken at the end of a line.
    """
    words = (_breakable(word) if breakable else _escape_word(word) for word in text.split())
    return " ".join(words)


def _escape_word(word: str) -> str:
    # Two hyphens would become a dash: keep option names such as --offline.
    return re.sub("-(?=-)", "-{}", "".join(map(_escape_character, word)))


def _breakable(word: str) -> str:
    pieces = re.findall(r"[^/_.\-]*[/_.\-]+|[^/_.\-]+", word)
    if len(word) > _LONG_WORD:
        pieces = [piece[i : i + 12] for piece in pieces for i in range(0, len(piece), 12)]
    return r"\allowbreak{}".join(map(_escape_word, pieces))


def _escape_character(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    if " " < character <= "~":
        return character
    base, *marks = list(unicodedata.normalize("NFD", character))
    if base.isascii() and base.isalpha() and len(marks) == 1 and marks[0] in _ACCENTS:
        return rf"\{_ACCENTS[marks[0]]}{{{base}}}"
    return f"{{[}}U+{ord(character):04X}{{]}}"
