# SPDX-License-Identifier: GPL-3.0-or-later
"""The `key: value` lines of the recipes that the oracle's run files hold."""

WITHOUT_RESULT = {"name", "weight_seed", "score_seed", "data_seed", "threads", "record", "record_scores", "description",
                  "published_accuracy", "published_remaining", "published_source"}


def pairs(text):
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)


def settings(text):
    """Lines that decide results, sorted."""
    return tuple(sorted(f"{key}: {value}" for key, value in pairs(text).items() if key not in WITHOUT_RESULT))


def published(text):
    found = pairs(text)
    return tuple(float(found.get(key, "nan")) for key in ("published_accuracy", "published_remaining"))
