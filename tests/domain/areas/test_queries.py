"""What a page says about where it stands."""

import pytest

from webapp.domain.areas import queries

pytestmark = pytest.mark.db


def test_a_visitor_reads_the_hotline_of_the_one_county_and_none_where_there_are_two(in_app, make):
    make.area("邻水县", level="county", code="511623000000", hotline_phone="0826-0000000")
    assert queries.get_place("").hotline == "0826-0000000"
    make.area("武胜县", level="county", code="511622000000", hotline_phone="0826-0000001")
    assert queries.get_place("").hotline is None
