import time

from webapp.base import ids


def test_public_ids_are_22_characters_and_sort_by_time():
    first = ids.new_public_id()
    time.sleep(0.002)
    second = ids.new_public_id()
    assert len(first) == len(second) == 22
    assert first < second


def test_numbers_read_aloud_have_no_ambiguous_characters_and_detect_a_wrong_one():
    for _ in range(200):
        number = ids.new_number()
        assert not set(number) & set("01OI")
        assert ids.is_number(number)
        wrong = ("3" if number[0] == "2" else "2") + number[1:]
        assert not ids.is_number(wrong)


def test_nearly_every_swap_of_two_neighbours_is_detected():
    # ISO 7064's hybrid systems find every wrong character and all but a few swaps.
    alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    caught = total = 0
    for first in alphabet:
        for second in alphabet:
            if first == second:
                continue
            number = next(
                f"K{first}{second}7{check}"
                for check in alphabet
                if ids.is_number(f"K{first}{second}7{check}")
            )
            total += 1
            caught += not ids.is_number(f"K{second}{first}7{number[-1]}")
    assert caught / total > 0.9


def test_a_number_of_another_length_is_no_number():
    assert not ids.is_number("")
    assert not ids.is_number("ABC")
