"""What a branch asks, by what the flags tell of when it is reached."""

from __future__ import annotations

CONDITIONS = {
    ("value", "beq"): "if {0} is zero",
    ("value", "bne"): "if {0} is not zero",
    ("value", "bmi"): "if {0} is negative",
    ("value", "bpl"): "if {0} is not negative",
    ("compare", "beq"): "if {0} is {1}",
    ("compare", "bne"): "if {0} is not {1}",
    ("compare", "bcc"): "if {0} is below {1}",
    ("compare", "bcs"): "if {0} is {1} or more",
    ("compare", "bmi"): "if {0} less {1} is negative",
    ("compare", "bpl"): "if {0} less {1} is not negative",
    ("bits", "beq"): "if no bit of {1} is set in {0}",
    ("bits", "bne"): "if a bit of {1} is set in {0}",
    ("tested", "beq"): "if no bit of {1} is set in {0}",
    ("tested", "bne"): "if a bit of {1} is set in {0}",
    ("tested", "bmi"): "if the top bit of {0} is set",
    ("tested", "bpl"): "if the top bit of {0} is clear",
    ("tested", "bvs"): "if the second highest bit of {0} is set",
    ("tested", "bvc"): "if the second highest bit of {0} is clear",
    ("bit", "bcs"): "if {1} of {0} is set",
    ("bit", "bcc"): "if {1} of {0} is clear",
    ("sum", "bcs"): "if the addition carries over",
    ("sum", "bcc"): "if the addition does not carry over",
    ("difference", "bcs"): "if the subtraction borrows nothing",
    ("difference", "bcc"): "if the subtraction borrows",
    ("call", "bcc"): "if {0} returns with the carry clear",
    ("call", "bcs"): "if {0} returns with the carry set",
    ("call", "beq"): "if {0} returns with the zero flag set",
    ("call", "bne"): "if {0} returns with the zero flag clear",
    ("call", "bmi"): "if {0} returns with the negative flag set",
    ("call", "bpl"): "if {0} returns with the negative flag clear",
    ("count", "bpl"): "as long as {0} is not negative",
    ("count", "bne"): "until {0} is zero",
}
"""(what the flags tell of, branch) to the condition; {0} is the value,
{1} what it is compared with.
"""
