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


def test_two_swapped_neighbours_are_detected():
    caught = total = 0
    for _ in range(300):
        number = ids.new_number()
        if number[1] == number[2]:
            continue
        total += 1
        swapped = number[0] + number[2] + number[1] + number[3:]
        caught += not ids.is_number(swapped)
    assert caught == total


def test_a_number_of_another_length_is_no_number():
    assert not ids.is_number("")
    assert not ids.is_number("ABC")
