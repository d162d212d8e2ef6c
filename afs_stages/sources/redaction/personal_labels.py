"""Who a person is, told by a label: telephone, birth, documents, address, full name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from afs_stages.sources.redaction.reading import Reading
from afs_stages.sources.redaction.spans import Span


class Datum(NamedTuple):
    """One kind of personal data: what names it, and the form of its values."""

    kind: str
    labels: tuple[str, ...]
    """In lower case; a blank stands for a blank, a hyphen or an underscore."""
    form: str


_DATA = (
    Datum(
        "phone",
        ("phone", "mobile", "cell", "fax", "whatsapp", "telefon", "handy", "tel"),
        r"\+?\(?\d(?:[ ()/.-]{0,3}\d){6,14}",
    ),
    Datum(
        "birth-date",
        ("birth", "birthday", "birthdate", "dob", "born", "geburtsdatum", "geboren"),
        r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2,4}"
        r"|\d{1,2}\.? [A-Z][a-z]{2,8}\.? \d{4}|[A-Z][a-z]{2,8} \d{1,2},? \d{4}",
    ),
    Datum(
        "document",
        (
            *("passport", "driver license", "drivers license", "driver's license"),
            *("driving licence", "driver licence", "national id", "id card"),
            *("identity card", "social security", "tax id", "insurance", "patient"),
            *("medical record", "mrn", "bank account", "account number", "account no"),
            *("routing number", "member number", "policy number", "personalausweis"),
        ),
        # Two digits or more among capitals: no word, and no small number.
        r"(?=(?:[A-Z0-9 ./-]{0,8}?\d){2})[A-Z0-9](?:[ ./-]?[A-Z0-9]){4,24}",
    ),
    Datum(
        "number",
        (
            *("account", "routing", "steuer", "puk", "personalnummer", "employee"),
            *("staff", "customer", "member", "policy", "plate", "kennzeichen"),
            *("kontonummer", "versicherungsnummer", "krankenkasse", "matricule"),
            *("dni", "nie", "ahv", "nhs", "cpf", "cnpj", "pan", "pesel", "bsn", "nino"),
            *("aadhaar", "medicare", "personnummer", "cédula", "curp", "nir", "sozial"),
            *(
                "führerschein",
                "reisepass",
                "krankenversichertennummer",
                "身份证",
                "社保",
            ),
            *("codice fiscale", "sécurité sociale", "seguridad social", "ausweis"),
        ),
        r"(?=(?:[A-Z0-9 ./-]{0,4}?\d){4})[A-Z0-9](?:[ ./-]?[A-Z0-9]){4,24}"
        r"|(?=[A-Z]{0,6}\d)[A-Z0-9]{8,16}",
    ),
    Datum(
        "address",
        ("address", "ship to", "deliver to", "bill to", "lives at", "anschrift"),
        # A number and two words, or words and a number: `69 Long Street, Town`.
        r"\d{1,5}[a-zA-Z]?,? [A-Z][\w'.-]{1,30},? [A-Z][^\n\"'<>|;{}]{2,80}"
        r"|[A-Z][\w'.-]{2,30}(?: [A-Z][\w'.-]{1,30}){0,2} \d{1,5}[a-z]?,"
        r"[^\n\"'<>|;{}]{3,80}",
    ),
    Datum(
        "name",
        (
            *("full name", "fullname", "cardholder", "card holder", "account holder"),
            *("patient", "patient name", "next of kin", "emergency contact"),
        ),
        r"[A-Z][\w'’.-]{1,30}(?: [A-Z][\w'’.-]{0,30}){1,3}",
    ),
)
_REST_OF_LABEL = re.compile(
    r"(?:[ _-]?(?:no|nr|num|number|nummer|id|code|date|of birth|day|name|del titular|#)"
    r"\b\.?"
    r"|号码?|号碼?){0,2}"
    r"\\{0,2}[\"'*`)]{0,3}\s{0,3}(?:[:=>,|：]{1,2}|is\b|on\b|am\b|(?<= )(?=\d{7}))"
    r"\s{0,3}\\{0,2}[\"'*`]{0,3}",
    re.IGNORECASE,
)
_LOOSE = frozenset(
    "account routing employee staff customer member policy plate".split()
)
"""Labels of things too: alone they tell of a person only with a long number."""
_LONG_NUMBER = 7
_QUALIFIED = re.compile(r"[ _-](?:no|nr|num|number|nummer|id|code)\b", re.IGNORECASE)
_SHORT = 4
_PIECES = {
    # A short label stands as a word; `tel` in `intel` is looked for no further.
    label: [
        (f" {word} " if len(label) <= _SHORT else word).encode()
        for word in re.split("[ ']", label)
    ]
    for datum in _DATA
    for label in datum.labels
}
_FORMS = {datum: re.compile(rf"(?:{datum.form})(?!\w)") for datum in _DATA}


def find(reading: Reading) -> Iterator[Span]:
    """The personal data that a label tells."""
    for datum, form in _FORMS.items():
        for label in datum.labels:
            if not all(map(reading.holds, _PIECES[label])):
                continue
            for place in _places(reading, label):
                separator = _REST_OF_LABEL.match(reading.text, place)
                value = separator and form.match(reading.text, separator.end())
                if separator and value and _tells(label, separator[0], value[0]):
                    yield Span(*value.span(), datum.kind)


def _tells(label: str, between: str, value: str) -> bool:
    """Whether a value is a person's: `"customer": 12345` counts the rows of a table."""
    is_short = value.isdigit() and len(value) < _LONG_NUMBER
    return not (is_short and label in _LOOSE and not _QUALIFIED.match(between))


def _places(reading: Reading, label: str) -> Iterator[int]:
    """Where a label ends in the text; its words may stand joined by `_` or `-`."""
    for spelt in {label, label.replace(" ", "_"), label.replace(" ", "-")}:
        for end in reading.ends_of(spelt):
            # `birth` in `rebirth` is another word; `date_of_birth` is the label.
            begin = end - len(spelt)
            if not reading.lower[max(0, begin - 1) : begin].isalpha():
                yield end
