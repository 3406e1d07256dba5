"""Refusals become answers: one table turns codes into sentences, one handler chooses page, fragment or JSON."""

import logging
from datetime import datetime
from typing import Any

from flask import Flask, Response, g, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from webapp.base import clock
from webapp.base.errors import LinliError, SignInRequired, TooMany
from webapp.web.htmx import ANSWER, wants_fragment, wants_json
from webapp.web.words import moment, said, wait

log = logging.getLogger("linli.web")
_l = lazy_gettext

# Each sentence says what happened, what was kept and what to do. Parameters stand as %(name)s.
SENTENCES: dict[str, Any] = {
    "not_found": _l("There is nothing here, or it is not yours to see."),
    "not_allowed": _l("Your role does not include this. If you need it, ask your community office."),
    "sign_in_required": _l("Please sign in. What you typed is kept."),
    "method_not_allowed": _l("This page cannot be reached that way. Please go back and use the button."),
    "too_large": _l(
        "This is larger than 20 MB. Nothing was changed. Please use a smaller file, or the shell."
    ),
    "bad_request": _l("This could not be read. Nothing was changed. Please go back and try again."),
    "key_missing": _l("This form is out of date. Nothing was changed. Please load the page again."),
    "csrf": _l("This page was open too long. What you typed is kept; please send it again."),
    "key_reused": _l("This form was already sent with other content. Please load the page again."),
    "too_many": _l("Too many attempts. Please try again in %(wait)s."),
    "phone_not_mobile": _l("This is not a mobile number. Please write its 11 digits."),
    "code_sent_already": _l("A code was sent just now. You can ask again in %(wait)s."),
    "code_wrong": _l("This code does not fit or is over. Take the newest message, or ask for a new code."),
    "password_wrong": _l("Number and password do not fit together. You can also sign in with a code."),
    "password_too_short": _l("The password needs at least %(minimum)s characters."),
    "password_too_long": _l("The password may have at most %(maximum)s characters."),
    "password_too_plain": _l("This password is guessed quickly. Take several words, not your phone number."),
    "sign_in_not_fresh": _l("To set a first password, please sign out, sign in again, and set it at once."),
    "account_blocked": _l("This account is blocked. Please call your community office."),
    "role_not_appointed": _l("Residents need no appointment. Please choose another role."),
    "ends_in_the_past": _l("The end lies in the past. Please choose a later one."),
    "pdf_missing_glyph": _l(
        "No font on this server can print %(characters)s. It stands in: %(places)s. Nothing was printed."
        " Please ask whoever runs the server for a font that has it."
    ),
    "pdf_no_fonts": _l(
        "This server lacks what it needs to print Chinese. Please tell whoever runs it: %(packages)s."
    ),
    # What a call-up refuses its head, and a team's lead.
    "call_up_ends_before_start": _l("It ends before it begins. Please say how many hours it lasts."),
    "call_up_roles_missing": _l("Please write how many people are needed, at least for one role."),
    "call_up_places_wrong": _l("Please write how many people as a number, from 1 to %(maximum)s."),
    "call_up_time_over": _l("The time of this call-up is over."),
    "start_in_the_past": _l("This time is past. Please choose a later one."),
    "start_too_far": _l("A call-up begins within %(days)s days. Please choose an earlier day."),
    "call_up_too_long": _l("At most %(days)s days. Please make a second call-up for the rest."),
    "reply_after_start": _l(
        "The time to answer ends after the start: nobody could answer in time. Please give less time,"
        " or begin later."
    ),
    "too_many_roles": _l("At most %(maximum)s roles in one call-up."),
    "map_link_wrong": _l("This is not a link to a map: it must begin with https://."),
    "call_up_title_missing": _l("Please write what people are called for."),
    "muster_point_missing": _l("Please write where they muster."),
    "call_up_phone_missing": _l("Please write a phone number for questions."),
    "call_up_phone_wrong": _l("This is not a phone number."),
    "quiet_reason_missing": _l(
        "It is the quiet hours, and the call-up begins before they end. Please write why people must"
        " be woken, or let it begin after 08:00."
    ),
    "drill_never_at_night": _l(
        "A drill never calls people in the quiet hours (21:00–08:00). Please let it begin in the day."
    ),
    "quiet_now": _l(
        "It is the quiet hours (21:00–08:00), and nobody has written why people must be woken. Nobody"
        " was told."
    ),
    "call_up_moved_on": _l(
        "Somebody was quicker: this call-up stands elsewhere now. What holds is shown here; nothing"
        " was done twice."
    ),
    "wave_went_out": _l("The next wave is out already, or on its way. Nobody was told twice."),
    "already_widened": _l("Somebody has widened it already. What holds is shown here."),
    "widest_already": _l("It reaches the whole county already."),
    "call_up_is_full": _l("All places are taken. Nobody else was told."),
    "call_up_ended": _l("The calling has ended. Please call the office."),
    "numbers_changed": _l("Somebody has changed the numbers meanwhile. Please look at what holds now."),
    "below_taken": _l("%(taken)s places are taken already; fewer cannot be."),
    "nothing_changed": _l("Nothing is different. Please change a number first."),
    "too_many_call_ups": _l("Too many call-ups are open at once. Please close old ones first."),
    "team_without_lead": _l("This team has no lead who could be asked. Please name one first."),
    "unit_asked_already": _l("This team was asked already."),
    "unit_too_many": _l("Only %(open)s places are still open. Please write a smaller number."),
    "below_named": _l("%(named)s people have been named already. To take one off, please call the office."),
    "nobody_ticked": _l("Please tick at least one name."),
    # What a proposal for the roster refuses.
    "fill_moved_on": _l("This proposal has changed meanwhile. Nothing was done; please look at it again."),
    "fill_span_backwards": _l("The last day lies before the first. Please choose again."),
    "fill_span_too_long": _l("At most %(days)s days at once. Please choose a shorter span."),
    "posts_missing": _l("Please choose at least one post."),
    "no_shifts_to_fill": _l("These posts have no shifts on these days. Please make the shifts first."),
    "said_not_available": _l("Said they cannot at this time."),
    "day_wrong": _l("This is not a day of the calendar. Please choose again."),
    # What an order refuses.
    "nothing_chosen": _l("Please choose at least one bag."),
    "count_wrong": _l("Please write how many bags as a number."),
    "bag_not_in_round": _l("One of these bags is not in this delivery any more. Please choose again."),
    "over_bag_limit": _l("At most %(limit)s of this bag for each household."),
    "over_round_limit": _l("At most %(limit)s bags in all for each household."),
    "only_basic_bag": _l(
        "Until your building lead has confirmed your home you can have one basic bag. All else follows then."
    ),
    "not_confirmed_yet": _l("Your building lead has not confirmed yet that you live here."),
    "round_does_not_serve": _l("This delivery does not come to your building. Please call your community."),
    "not_open_yet": _l("Ordering has not begun yet. What you chose is kept."),
    "round_over": _l("This delivery is being packed and takes no more orders. What you chose is kept."),
    "price_changed": _l("The price has changed: it is %(price)s yuan now. Please confirm once more."),
    "already_ordered": _l(
        "Your home has an order already (%(number)s). Nothing was added. You can change that one to this."
    ),
    "order_changed_since": _l("This order (%(number)s) was changed or cancelled since you sent it."),
    "changed_meanwhile": _l("Somebody changed this order (%(number)s) meanwhile. Please look once more."),
    "order_cancelled": _l("This order (%(number)s) is cancelled already."),
    "too_late_to_change": _l(
        "It is too late to change this order. If it is urgent, please call your community."
    ),
    "reason_missing": _l("Please write why."),
    "number_taken": _l("No free order number was found. What you chose is kept; please send it again."),
    # What a round refuses.
    "cut_off_in_the_past": _l("The cut-off must lie in the future."),
    "cut_off_before_opening": _l("The cut-off must come after the opening."),
    "no_bags": _l("Please choose at least one bag for this round."),
    "capacity_missing": _l("A limited round needs a number for each bag."),
    "capacity_below_taken": _l("%(taken)s are taken already; it cannot be fewer."),
    "price_after_cut_off": _l("After the cut-off the price stays as it is."),
    "round_state_wrong": _l("This round has moved on meanwhile. Nothing was changed; please look again."),
    "bag_is_empty": _l("Please write what is in the bag."),
    "bag_name_missing": _l("Please give the bag a name."),
    "price_wrong": _l("Please write the price in yuan, like 30 or 30.50."),
    "time_wrong": _l("Please write a day and a time, like 20:00."),
    "no_buildings": _l("Please choose the buildings that this round serves."),
    "sheet_empty": _l("There is nothing to print yet: nobody here has an order."),
    "roster_empty": _l("There is nothing to print here: no shifts stand in this week or on this day."),
    "link_revoked": _l("This address was taken back. Please ask whoever gave it to you for the new one."),
    "duty_name_missing": _l("Please write who is on duty."),
    "duty_phone_missing": _l("Please write the number that answers day and night."),
    "duty_ends_before": _l("This duty ends before it begins. Please look at day and time."),
    "duty_too_long": _l("One duty lasts at most %(days)s days. Please write several."),
    "duty_overlaps": _l(
        "Somebody is on this duty already then: from %(at)s. Change that one, or choose other times."
    ),
    "duty_days_wrong": _l("Please write for how many days, from 1 to %(maximum)s."),
    "duty_nothing_to_copy": _l("The week before is empty: there is nothing to copy."),
    "sheet_overtaken": _l("Somebody printed this sheet at the same moment. Please press once more."),
    # files
    "file_empty": _l("There are no rows in this file. Nothing was changed."),
    "file_is_old_workbook": _l(
        "This is an old Excel workbook (.xls). Nothing was changed. Please save it as .xlsx or CSV and take that."
    ),
    "file_workbook_broken": _l(
        "This Excel workbook cannot be opened: it is damaged or locked. Nothing was changed."
        " Please save it anew, without a password, and take that."
    ),
    "file_unpacks_too_large": _l(
        "This workbook unpacks to more than 400 MB. Nothing was changed. Please save it as CSV."
    ),
    "file_encoding": _l(
        "The characters of this file cannot be read. Nothing was changed. Please save it as CSV in UTF-8 or GB18030."
    ),
    "file_columns_missing": _l(
        "No line with the needed column heads was found; missing: %(columns)s. Nothing was changed."
    ),
    "row_unreadable": _l("This row cannot be read: a quote is not closed, or it is too long."),
    "row_cells": _l("This row has %(found)s cells, but there are %(wanted)s columns."),
    # areas
    "area_code_damaged": _l(
        "The code “%(text)s” was rounded by a spreadsheet. Please store the column as text."
    ),
    "area_code_unclear": _l("“%(text)s” is no code. Digits, letters, points and dashes are understood."),
    "area_level_unknown": _l("The level “%(level)s” is not known."),
    "area_level_order": _l("This level cannot stand above or below %(parent)s like that."),
    "area_cycle": _l("This area would lie below itself (%(parent)s)."),
    "rule_set_unknown": _l("There is no rule set with this code."),
    "authority_missing": _l("Please name the authority that enables the rules, in at most 80 characters."),
    "zone_reason_missing": _l("Please write why the zone changes."),
    "zone_notice_missing": _l("Please name the notice that decides it."),
    "zone_class_unknown": _l("Please choose one of the zone classes."),
    "zone_unchanged": _l("This class holds here already. Nothing was changed."),
    "zone_changed_meanwhile": _l("Somebody changed this zone meanwhile. Please look once more."),
    "text_too_long": _l("This is too long; at most %(maximum)s characters."),
    # lists of households
    "community_unknown": _l("There is no community with this code."),
    "building_missing": _l("The building is missing."),
    "building_ambiguous": _l("There are several buildings “%(building)s”. Please name the compound."),
    "compound_ambiguous": _l("There are several compounds “%(compound)s”. Please name the grid."),
    "grid_differs": _l("This building lies in another grid."),
    "door_missing": _l("The door is missing."),
    "door_unclear": _l("“%(text)s” is not understood as a door. Write it like 3-2-501."),
    "door_building_differs": _l("The door “%(text)s” names another building than “%(building)s”."),
    "door_unit_differs": _l("The door “%(text)s” names another stairwell than “%(unit)s”."),
    "door_floor_differs": _l("Floor and number of the door “%(text)s” do not fit together."),
    "unit_unclear": _l("“%(text)s” is not understood as a stairwell."),
    "floor_unclear": _l("“%(text)s” is not understood as a floor."),
    "split_unclear": _l("“%(text)s” is not understood: which household behind this door, 1 to 9?"),
    "name_missing": _l("The name is missing."),
    "name_unclear": _l("This is not understood as a name."),
    "phone_damaged": _l(
        "“%(text)s” was rounded by a spreadsheet: digits are lost. Please store phones as text."
    ),
    "phone_unclear": _l("“%(text)s” is not understood as a phone number."),
    "list_gone": _l("This list is not kept any more. Please choose the file again."),
    "list_not_read_yet": _l("This list has not been read yet. Please wait for the preview."),
    # lists of volunteers; what comes after "remarks" is said beside rows that are taken
    "phone_missing": _l("The phone number is missing."),
    "id_damaged": _l(
        "This ID number was rounded by a spreadsheet: digits are lost. Please store it as text."
    ),
    "id_damaged_of": _l(
        "The ID number of %(name)s is stored as a number: Excel has already lost its last digits."
        " Please type it again in a column of text."
    ),
    "id_unclear": _l(
        "This is not understood as an ID number: 18 digits, or the number of a permit or passport."
    ),
    "id_check_digit": _l(
        "The last digit of this ID number does not fit the others: one of them is mistyped."
    ),
    "id_birthday": _l("The birthday in this ID number does not exist."),
    "id_invented": _l(
        "Invented ID numbers have birth year 2099, and only rows marked as invented may have them."
    ),
    "id_of_another": _l(
        "This ID number belongs to a person with another name. Please look which one is right."
    ),
    "society_unknown": _l(
        "“%(text)s” is none of the five societies: community, social organisation, social worker, volunteer, charity."
    ),
    "certificate_date": _l("“%(text)s” is not a day."),
    "area_outside": _l("The area “%(text)s” does not lie in the area that you take the list for."),
    "building_not_listed": _l("There is no building “%(building)s” in the list of your area."),
    "volunteer_was_refused": _l(
        "This person was told no before. If that has changed, please accept them on their own page."
    ),
    "volunteer_has_left": _l("This person has left the volunteers. They can sign up again themselves."),
    "volunteer_elsewhere": _l(
        "This person is a volunteer of another area. When they have moved, they change where they live themselves."
    ),
    "already_scaled": _l("A county was made in this database already. Nothing was changed."),
    # volunteers who are one person
    "merged_already": _l(
        "One of them was merged meanwhile. Nothing was changed; please look at the list again."
    ),
    "merge_with_itself": _l("This is one and the same volunteer."),
    "id_numbers_differ": _l(
        "Their ID numbers or birthdays differ: they are two people. Nothing was changed."
    ),
    "merge_overlaps": _l(
        "Both have promised the same time (%(at)s) at different places. Nothing was changed."
        " Please take one of them off there first."
    ),
    # remarks
    "skill_not_known": _l("Not known and left out."),
    "certificate_not_known": _l("Not known as a certificate and left out."),
    "address_not_matched": _l("No building of the area fits; they stand under the community."),
    "same_as_line": _l("The same person as in line %(line)s."),
    "phone_shared": _l("Same phone, another name: kept apart as possible duplicates."),
    # joining a household
    "community_missing": _l("Please choose your community."),
    "building_unknown": _l("Please choose your building, or write where you live below."),
    "door_not_listed": _l(
        "%(door)s is not in the list of your building. If it is right, write it below and send it again."
    ),
    "home_missing": _l("Please choose your door, or write where you live below."),
    "too_many_waiting": _l(
        "You are waiting for %(maximum)s homes already. Please wait for the answer, or call."
    ),
    "already_in_household": _l("You belong to this home already."),
    "already_decided": _l("Somebody has decided this already."),
    "own_residence": _l("You cannot confirm your own home. Please ask a colleague."),
    "refusal_reason_missing": _l("Please write why; the resident will read it."),
    "door_needed": _l("Please choose the building and write the door, like 2-501."),
    # the day: check-in, roll call, hours, certificates
    "check_in_code_wrong": _l(
        "This is not the code of this post. Please read it again from the poster, or scan it."
    ),
    "code_renewed": _l("This code was renewed and no longer holds. Please take the one on the new poster."),
    "post_gone": _l("This post is closed. Please call your community."),
    "check_in_not_yet": _l("It is too early to check in. This is possible from %(at)s."),
    "check_in_over": _l(
        "This shift is over, so nothing was written. If you were there, please tell whoever leads it:"
        " roll call can still be done."
    ),
    "not_checked_in": _l(
        "You have not checked in for this shift yet. Please check in first, or tell its lead."
    ),
    "check_out_over": _l(
        "It is too late to check out: the planned end was taken. If you stayed longer, please ask for a correction"
        " of your hours."
    ),
    "note_empty": _l("Please write what the next shift must know."),
    "shift_cancelled": _l("This shift was called off."),
    "roll_call_not_yet": _l("It is too early: roll call is possible from %(at)s."),
    "roll_call_changed": _l(
        "Somebody wrote meanwhile, and nothing was overwritten: %(people)s. Please look, then save once more."
    ),
    # What the muster refuses.
    "call_up_closed": _l("The books of this call-up are closed. Nothing can be written any more."),
    "no_place": _l("This person has no place any more. Please load the page again."),
    "slip_unknown": _l(
        "No slip of this call-up has this code. Please look again, or tell whoever leads here."
    ),
    "not_summoned": _l(
        "You were not called for this. If you came to help, tell whoever leads here: they can add you."
    ),
    "muster_changed": _l(
        "Somebody wrote meanwhile, and nothing was overwritten: %(people)s. Please look, then save once more."
    ),
    "time_outside_muster": _l("The time %(time)s lies before this call-up began. Please look again."),
    "already_here": _l("This person is written down as being here already."),
    "nobody_here": _l("Nobody with a place is here who is not on the shift already."),
    "post_missing": _l("Please choose a post, or write the name of a new one."),
    "nobody_placed": _l(
        "A rule stands against everybody who is here, %(name)s first: this post needs a pledge, or they are on"
        " another duty. Nothing was made. Please choose another post."
    ),
    "time_outside_shift": _l("The time %(time)s does not belong to this shift. Please look again."),
    "time_order": _l("%(name)s cannot have left before arriving. Please look at the times."),
    "time_in_future": _l("A time of %(name)s has not come yet. Please look at the times."),
    "already_on_shift": _l("This person is on the list of this shift already."),
    "walk_in_missing": _l("Please choose somebody, or write a name and a phone number."),
    "hours_wrong": _l("Please write the time like 5:30, at most 24 hours."),
    "hours_not_yet": _l(
        "The hours of this shift are not written yet. Please come back two hours after its end."
    ),
    "correction_waits": _l("A correction of this shift waits for an answer already."),
    "correction_unchanged": _l("That is what stands already. Nothing was changed."),
    "own_hours": _l("Nobody confirms their own hours. Please ask a colleague."),
    "hours_below_zero": _l(
        "Hours cannot fall below zero: the evidence was changed meanwhile. Nothing was changed."
    ),
    "no_hours": _l("There are no hours in these days yet, so there is nothing to certify."),
    "span_backwards": _l("The last day lies before the first. Please look again."),
    "certificate_number_taken": _l("No free number was found. Please press once more."),
    "certificate_revoked": _l("This certificate was taken back already."),
    "certificate_unknown": _l(
        "There is no such certificate. Please check the address, or ask who gave it to you."
    ),
    # Why somebody cannot have a place on a shift.
    "overlaps": _l("Overlaps with the shift at %(at)s."),
    "no_rest": _l("Less than %(hours)s hours after or before another shift."),
    "too_long_in_a_day": _l("More than %(hours)s hours within a day and a night."),
    "too_many_days": _l("More than %(days)s days in a row."),
    "skill_missing": _l("Needs somebody for: %(skill)s."),
    "certificate_over": _l("Your certificate is missing or over on that day: %(skill)s."),
    "adults_only": _l("Only for people of 18 and older."),
    "inside_cordon": _l("Lies inside the sealed area."),
    "outside_cordon": _l("Lies outside the sealed area in which you live."),
    "pledge_missing": _l("You have not made the pledge that this post asks for."),
    "newcomer_not_yet": _l("Possible once the community has accepted you as a volunteer."),
    "not_a_volunteer": _l("You are not on the list of volunteers yet. Signing up takes a minute."),
    "shift_over": _l("This shift is over, or was called off."),
    "shift_full": _l(
        "All places are taken. You can stand in the queue: when one falls free it is offered to you."
    ),
    "already_on_it": _l("You are on this shift already."),
    "not_on_it": _l("You are not on this shift."),
    "moved_on": _l("Something changed in this moment. Nothing was done; please press once more."),
    "not_offered_yet": _l("You are in the queue. No place has fallen free for you yet."),
    "offer_over": _l("The time for saying yes is over, and the place went to the next in the queue."),
    "on_duty": _l("You are on duty. Please press “I need to be relieved”: nobody asks why."),
    "not_on_duty": _l("This is for a shift that is running. Before it begins you can ask for a stand-in."),
    "nothing_to_swap": _l("Please choose the shift that you would like in exchange."),
    "swap_with_oneself": _l("These are both your own shifts. A swap needs somebody else's."),
    "stand_in_is_oneself": _l("This place is yours. Somebody else must take it."),
    "stand_in_over": _l("Somebody took this place already, or it was withdrawn. Thank you."),
    "already_asked": _l("You are looking for a stand-in already. Withdraw that first, to ask another way."),
    "person_unknown": _l("There is nobody of that name here who could take it. Please look again."),
    "shift_has_begun": _l("This shift has begun. On duty you can ask to be relieved."),
    "other_cannot": _l("%(name)s cannot have this place: the time or what the post asks for does not fit."),
    "swap_gone": _l("The other place has changed hands meanwhile. Please look again."),
    # volunteers
    "too_young": _l("Volunteers are at least %(minimum)s years old. Thank you for wanting to help."),
    "minors_not_taken": _l(
        "Here volunteers are at least %(adult)s years old. Thank you for wanting to help."
    ),
    "consent_missing": _l("Please write the name of the parent who agrees."),
    "skill_not_chosen": _l("Please choose at least one."),
    "time_missing": _l("Please choose at least one time."),
    "pledge_not_made": _l("Without this promise nobody can volunteer."),
    "volunteer_refused_before": _l(
        "Your community could not accept you: %(reason)s If that is wrong, please call."
    ),
    "not_a_volunteer_yet": _l("Please sign up as a volunteer first; then this invitation takes you in."),
    "in_another_team": _l("You belong to another team. Your community can move you; please call."),
    "volunteer_decided": _l("Somebody has decided this already. Please look once more."),
    # What the reserve refuses.
    "not_in_reserve": _l("You do not stand in the reserve. Your page in the reserve says how to join."),
    "reserve_not_for_you": _l(
        "The reserve is for volunteers of age whom their community has accepted, and for appointed staff."
    ),
    "reservist_changed": _l("Somebody changed this reservist meanwhile. Please look once more."),
    "reservist_elsewhere": _l("Stands in the reserve of another area. Whoever leads it there changes it."),
    "still_called_up": _l("Somebody counts on it: a call-up is not over. Please cancel there first."),
    "away_until_missing": _l("Please say until when, so that nobody is forgotten."),
    "away_until_past": _l("This day is over. Please choose a later one."),
    "away_until_far": _l("At most %(days)s days ahead. For longer, leave the reserve and join again."),
    "days_frozen": _l(
        "Half-days that begin within %(hours)s hours stand as they are: people plan with them. Nothing was changed."
        " If something has come up, please call."
    ),
    "day_past": _l("A day that is over cannot be changed. Please load the page again."),
    "day_far": _l("Only the next %(days)s days can be said. Please load the page again."),
    "area_not_yours": _l("This area is not yours to choose. Please choose another one."),
    "area_ambiguous": _l("Several areas are called “%(text)s”. Please write the code of the area."),
    "team_unknown": _l("This team is not there any more. Please choose another one."),
    "team_not_known": _l("No team of the area is called so; left out."),
    "category_unknown": _l("“%(text)s” is no category of the reserve."),
    "nobody_chosen": _l("Nobody was ticked. Please tick who comes in."),
    "volunteer_changed": _l("Somebody changed this volunteer meanwhile. Please look once more."),
    "own_application": _l("You cannot decide about yourself. Please ask a colleague."),
    "still_on_shifts": _l("There are %(count)s shifts or calls to come. Please give them back first."),
    "question_missing": _l("Please write your question; the volunteer will read it."),
    "answer_missing": _l("Please write an answer."),
    "not_asked": _l("There is no open question. Nothing was changed."),
    "certificate_needed": _l("This needs a certificate. Please add it there."),
    "certificate_ended": _l("This certificate is over. Please add the newer one."),
    "too_many_certificates": _l("At most %(maximum)s certificates. Please take an old one off first."),
    "no_phone": _l("There is no phone number of this person."),
    "name_taken": _l("There is one of this name here already."),
    "area_missing": _l("Please choose the community."),
    "organisation_missing": _l("Please choose one of the organisations that are open."),
    "team_missing": _l("Please choose one of the teams that are open."),
    "team_closed": _l("This team is closed. Nothing was changed."),
    "not_in_team": _l("Please choose somebody of this team."),
    "lead_not_accepted": _l("Only an accepted volunteer can lead a team."),
    "lead_without_account": _l(
        "This person has never signed in. Please ask them to sign in once with their phone, then name them."
    ),
    "invitation_days": _l("Please write 1 to %(maximum)s days."),
    "invitation_uses": _l("Please write 1 to %(maximum)s people."),
    "invitation_forged": _l("This invitation was not made here. Please scan the code once more."),
    "invitation_revoked": _l("This invitation was taken back. You can sign up without it."),
    "invitation_team_closed": _l("This team is closed. You can sign up without the invitation."),
    "invitation_expired": _l(
        "This invitation has expired. You can sign up without it, or ask for a new one."
    ),
    "invitation_used_up": _l("This invitation is used up. You can sign up without it, or ask for a new one."),
    # posts, recurring shifts, shifts
    "post_name_missing": _l("Please give the post a name."),
    "post_name_taken": _l("There is a post “%(name)s” here already."),
    "post_place_missing": _l("Please write where the post is."),
    "post_closed": _l("This post is closed. Open it again first."),
    "post_has_shifts": _l("%(count)s shifts are still to come here. Please call them off first."),
    "suit_minutes_wrong": _l("Please write the minutes in a suit as a number, at most %(maximum)s."),
    "lead_unknown": _l(
        "Nobody called %(name)s is found among the volunteers and staff here. Please look at the name."
    ),
    "lead_ambiguous": _l("%(count)s people here have this name. Please choose one of them below."),
    "shift_lead_unknown": _l("This person cannot lead here. Please choose again."),
    "places_wrong": _l("Please write the number of people as a whole number."),
    "too_many_places": _l("A shift has at most %(maximum)s places."),
    "no_places": _l("A shift needs at least one place."),
    "counts_order": _l("The least number comes first, then the wanted one, then the most: 1, 2, 3."),
    "skills_over_maximum": _l("The places by skill are more than all %(maximum)s places together."),
    "no_weekdays": _l("Please choose at least one day of the week."),
    "ends_before_start": _l(
        "The end comes before the beginning. For a shift over midnight, tick that it ends the next day."
    ),
    "shift_too_long": _l("A shift lasts at most %(hours)s hours."),
    "time_skipped": _l("On that day the clocks skip %(time)s. Please choose another time."),
    "shift_in_the_past": _l("That time is over already. Please choose a later day."),
    "span_wrong": _l("Please choose a first and a last day, at most %(days)s days in all."),
    "template_ended": _l("This recurring shift was ended meanwhile. Nothing was changed."),
    "no_templates": _l("These posts have no recurring shifts yet. Please add one to a post first."),
    "copy_onto_itself": _l("Please choose a day outside of what is copied."),
    "nothing_to_copy": _l("There are no shifts on these days to copy."),
    "no_drafts": _l("There is no draft to publish on these days."),
    "shift_there_already": _l("This post has a shift at exactly this time already."),
    "shift_changed_meanwhile": _l("Somebody changed this shift meanwhile. Please look once more."),
    "shift_cancelled_already": _l("This shift was called off already."),
    "shift_closed": _l("The hours of this shift are written already. It is not changed any more."),
    "shift_begun": _l("This shift has begun already."),
    "shift_no_draft": _l("This shift is no draft any more."),
    "maximum_below_taken": _l("%(taken)s people are on this shift; the most cannot be fewer."),
    "skill_below_taken": _l("%(taken)s people fill places of this skill; it cannot be fewer."),
    "times_harm": _l(
        "The new time breaks a rule for %(count)s on this shift (%(names)s). Take them off it first, or choose another."
    ),
    "publish_first": _l("This is a draft. Publish it first, then people can be put on it."),
    "no_gap": _l("All places of this shift are taken. Nobody needs to be asked."),
    "asked_already": _l("Everybody was asked within the last %(hours)s hours. Please give them time."),
    "nobody_fits": _l("There is nobody here whom this shift fits. Below stands why, for each person."),
    # What an answer to a call-up refuses.
    "link_expired": _l(
        "This call-up is over and its link has expired. Thank you. If something is still open, please call the office."
    ),
    "call_up_stood_down": _l(
        "There are enough people, you need not come. Thank you. You will be disturbed less."
    ),
    "reply_settled": _l("Somebody else has dealt with this message meanwhile."),
    "reply_missing": _l("Please press one of the buttons: you can come, you cannot, or you answer later."),
    "call_up_over": _l("This call-up is over. Thank you for answering."),
    "sealed_tick": _l(
        "The place is inside a sealed area: whoever goes in cannot leave for now. Tick that you know this, then press again."
    ),
    "call_up_overlap": _l(
        "You have promised to come to another call-up at %(at)s, and the times overlap. Say no there first."
    ),
    "time_overlap": _l(
        "You have something else at %(at)s, and the times overlap. Give that up first, or say that you cannot come."
    ),
    "mustered_already": _l(
        "You have checked in there already. If you have to go, please tell whoever leads."
    ),
    "answered_already": _l("You have answered already. You can still say that you come or that you cannot."),
    "later_too_late": _l("There is no time left for later. Please say now whether you can come."),
    "role_not_for_you": _l(
        "This task needs something that is not among your skills. Please choose another one."
    ),
    "team_type_exists": _l("There is a kind of team with this name already."),
    "roles_missing": _l("A team needs at least one role with at least one person."),
    "roles_too_many": _l("At most %(maximum)s roles. Please put some together."),
    "skill_unknown": _l("This skill is not known. Please choose another."),
    # How messages reach somebody.
    "staff_address_wrong": _l(
        "This is neither a robot's webhook address nor a mail address. Please copy it again from the group's settings."
    ),
    "channel_not_allowed": _l("This county does not use this kind of channel. Please choose another one."),
    "mail_not_set_up": _l(
        "This server cannot send mail yet. Please tell whoever runs it, or use a group robot."
    ),
    "contacts_too_many": _l("There are %(maximum)s already. Please remove one first."),
    "subscription_wrong": _l("What the browser gave us cannot be used. Please press the button once more."),
    "push_service_unknown": _l(
        "This browser is rung through a service that this county does not use. SMS and messages in Linli come all the same."
    ),
    "test_not_sent": _l("No test has left yet. Please send one first, and look whether it arrives."),
    "call_up_not_started": _l("This call-up has not been started. There is nothing to print yet."),
    "report_not_yet": _l("The call-up still calls people. End it first, then there is a report."),
    "nobody_to_call": _l("Nobody is left to call."),
    "server_error": _l(
        "Something broke on our side and is written down. What you typed is kept. Please try again."
    ),
}
_BY_STATUS = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def sentence(code: str, **params: Any) -> str:
    """The sentence of a code in the reader's language; raises KeyError for a code nobody wrote one for."""
    if "retry_after" in params:
        params = {**params, "wait": wait(params["retry_after"])}
    for name, value in params.items():
        if isinstance(value, datetime):
            params = {**params, name: moment(value, now=clock.now())}
        elif isinstance(value, tuple):
            # A name as data has it: in Chinese, and in English where somebody gave one.
            params = {**params, name: said(*value)}
    return str(SENTENCES[code]) % params


def _respond(code: str, status: int, params: dict[str, Any], field: str | None = None) -> Response:
    said = sentence(code, **params)
    if wants_json():
        fields = {field: [said]} if field else {}
        # `confirm`: the form values with which one tap agrees to what changed (a new price).
        confirm = params.get("confirm")
        answer = jsonify(code=code, message=said, fields=fields, location=None, confirm=confirm)
        response = make_response(answer, status)
    elif wants_fragment():
        response = make_response(render_template("errors/_error.html", said=said, code=code), status)
        response.headers["HX-Retarget"] = "#said"
        response.headers["HX-Reswap"] = "innerHTML"
    else:
        response = make_response(
            render_template("errors/page.html", said=said, code=code, status=status, title=_title(status)),
            status,
        )
    response.headers[ANSWER] = code
    return response


def _title(status: int) -> str:
    titles = {
        403: gettext("Not allowed"),
        404: gettext("Not found"),
        409: gettext("Changed meanwhile"),
        410: gettext("Over"),
        422: gettext("Not possible"),
        429: gettext("Please wait"),
    }
    return titles.get(status, gettext("That did not work"))


def _on_refusal(error: LinliError) -> Response:
    if isinstance(error, SignInRequired) and not wants_json():
        target = url_for(
            "accounts.sign_in", next=request.full_path.rstrip("?") if request.method == "GET" else None
        )
        if wants_fragment():
            response = make_response("", 401)
            response.headers["HX-Redirect"] = target
            return response
        return make_response(redirect(target, 303))
    response = _respond(error.code, error.status, error.params, error.field)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _on_csrf(_error: CSRFError) -> Response:
    return _respond("csrf", 400, {})


def _on_http(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400:
        return error
    code = str(error.description) if error.description in SENTENCES else _BY_STATUS.get(status, "bad_request")
    return _respond(code, status, {})


def _on_crash(error: Exception) -> Response:
    log.error("crash", exc_info=error, extra={"request_id": g.get("request_id")})
    response = _respond("server_error", 500, {})
    # No Linli-Answer: a crash settles nothing, so the outbox keeps the entry and tries again.
    del response.headers[ANSWER]
    return response


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(LinliError, _on_refusal)
    app.register_error_handler(CSRFError, _on_csrf)
    app.register_error_handler(HTTPException, _on_http)
    if not app.testing:
        app.register_error_handler(Exception, _on_crash)
