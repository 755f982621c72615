"""A dead letter is explained without a byte of what it holds."""

import json

from streams.admin.outline import outline

SECRETS = ("jane@example.com", "+81 90-1234-5678", "Jane", "c-4711")


def test_personal_data_in_every_place_stays_hidden() -> None:
    """Values, unknown field names, nested ones, list items: none is shown."""
    record = {
        "event_id": SECRETS[3],
        "identity": {"customer_id": SECRETS[0], SECRETS[0]: 1},
        SECRETS[1]: {"name": SECRETS[2]},
        "items": [{"name": SECRETS[2]}] * 50,
    }
    text = "\n".join(outline(json.dumps(record).encode()))
    assert all(secret not in text for secret in SECRETS)
    assert "event_id: text of 6" in text
    assert "identity: object of 2" in text
    assert "... and 30 more" in text


def test_what_is_no_json_is_only_named_so() -> None:
    """Not one byte of it."""
    assert list(outline(b"jane@example.com")) == ["(not JSON)"]
    assert list(outline(b"\x80\x04\x95")) == ["(not JSON)"]
    assert list(outline(None)) == ["(no value)"]
    assert list(outline(b"[" * 100_000)) == ["(not JSON)"]
    assert list(outline(b'"jane"')) == ["text of 4"]
