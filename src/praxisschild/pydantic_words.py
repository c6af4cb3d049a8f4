"""pydantic's objections in the language of the program: by their type, not by their English text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from praxisschild.i18n import N_, _

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

# https://docs.pydantic.dev/latest/errors/validation_errors/ ; placeholders are the error's own context
_WORDS = {
    "missing": N_("the field is missing"),
    "extra_forbidden": N_("there is no such field"),
    "literal_error": N_("it must be {expected}"),
    "enum": N_("it must be {expected}"),
    "string_type": N_("it must be a text"),
    "string_too_short": N_("it must have at least {min_length} characters"),
    "string_too_long": N_("it must have at most {max_length} characters"),
    "string_pattern_mismatch": N_("it does not match the pattern {pattern}"),
    "bool_type": N_("it must be true or false"),
    "bool_parsing": N_("it must be true or false"),
    "int_type": N_("it must be a whole number"),
    "int_parsing": N_("it must be a whole number"),
    "int_parsing_size": N_("the number is too large"),
    "int_from_float": N_("it must be a whole number"),
    "float_type": N_("it must be a number"),
    "float_parsing": N_("it must be a number"),
    "finite_number": N_("it must be a finite number"),
    "greater_than": N_("it must be greater than {gt}"),
    "greater_than_equal": N_("it must be {ge} or more"),
    "less_than": N_("it must be less than {lt}"),
    "less_than_equal": N_("it must be {le} or less"),
    "date_type": N_("it must be a date"),
    "date_parsing": N_("it must be a date"),
    "date_from_datetime_parsing": N_("it must be a date"),
    "date_from_datetime_inexact": N_("it must be a date without a time"),
    "datetime_type": N_("it must be a date with a time"),
    "datetime_parsing": N_("it must be a date with a time"),
    "datetime_from_date_parsing": N_("it must be a date with a time"),
    "timezone_aware": N_("the time zone is missing"),
    "list_type": N_("it must be a list"),
    "tuple_type": N_("it must be a list"),
    "set_type": N_("it must be a list"),
    "dict_type": N_("it must be a mapping of keys to values"),
    "mapping_type": N_("it must be a mapping of keys to values"),
    "model_type": N_("it must be a mapping of keys to values"),
    "model_attributes_type": N_("it must be a mapping of keys to values"),
    "dataclass_type": N_("it must be a mapping of keys to values"),
    "invalid_key": N_("keys must be texts"),
    "too_short": N_("it must have at least {min_length} entries"),
    "too_long": N_("it must have at most {max_length} entries"),
    "ip_any_network": N_("it is no network address"),
    "ip_any_address": N_("it is no IP address"),
    "ip_v4_address": N_("it is no IPv4 address"),
    "ip_v6_address": N_("it is no IPv6 address"),
    "path_type": N_("it must be a path"),
    "json_invalid": N_("this is no JSON ({error})"),
    "recursion_loop": N_("the value contains itself"),
}


def reason_of(error: ErrorDetails) -> str:
    """What pydantic objects to; a type that is not known here keeps pydantic's own words."""
    context = error.get("ctx", {})
    if error["type"] == "value_error":  # of a validator of ours, which has chosen the language itself
        return str(context.get("error", error["msg"]))
    words = _WORDS.get(error["type"])
    if words is None:
        return error["msg"]
    text = _(words)
    values = {name: _alternatives(value) for name, value in context.items()}
    return text.format(**values) if "{" in text else text


def _alternatives(value: object) -> str:
    """pydantic writes the last of several as `or 'x'`."""
    return str(value).replace(" or ", _(" or "))
