"""planted_bugs.py - one wrong way to compute each measure. The comparison must see every one of them, or it sees nothing.

Each gets (measure, the group's events, the right value) and returns what a program with that bug would say.
"""
import model_funnel
import model_joins
import model_retention
import model_sessions
from naive_model import DAY, ONE, VALUE, half_up, passes, windows_of


def values(measure, events):
    out = [VALUE[measure['type']](measure['argument'], e) for e in events if passes(measure.get('where'), e)]
    return [v for v in out if v is not None]


def bug(kind):
    def plant(hurt):
        def on(measure, events, value):
            return hurt(measure, events, value) if measure['kind'] == kind else value
        PLANTED[hurt.__name__.replace('_', ' ')] = on
        return hurt
    return plant


PLANTED = {}
for _bug in model_funnel.BUGS:
    PLANTED['funnel ' + _bug.__name__.replace('_', ' ')] = lambda m, case, right, _bug=_bug: _bug(m, case, right) if m['kind'] == 'funnel' else right
for _bug in model_retention.BUGS:
    PLANTED['retention ' + _bug.__name__.replace('_', ' ')] = lambda m, case, right, _bug=_bug: _bug if m['kind'] == 'retention' else right
for _bug in model_sessions.BUGS:
    PLANTED['session ' + _bug.__name__.replace('_', ' ')] = lambda m, case, right, _bug=_bug: _bug if m['kind'] == 'sessions' else right


for _bug in model_joins.BUGS:
    _hurt = PLANTED[_bug.__name__.replace('_', ' ')] = lambda m, case, right: right
    _hurt.find = _bug


@bug('count')
def count_forgets_its_where(measure, events, value):
    return 'count', len(events)


@bug('count_of')
def count_of_x_counts_null(measure, events, value):
    return 'count', sum(passes(measure.get('where'), e) for e in events)


@bug('sum')
def sum_of_nothing_is_zero(measure, events, value):
    return value or ('number', 0)


@bug('sum')
def sum_in_floating_point(measure, events, value):
    return value and ('number', round(sum(v / ONE for v in values(measure, events)) * ONE))


@bug('avg')
def avg_rounds_down(measure, events, value):
    found = values(measure, events)
    return value and ('number', sum(found) // len(found))


@bug('avg')
def avg_of_rounded_halves_to_even(measure, events, value):
    if not value:
        return value
    found = values(measure, events)
    q, r = divmod(sum(found), len(found))
    return 'number', q + (2 * r > len(found) or (2 * r == len(found) and q % 2 == 1))


@bug('min')
def min_ignores_the_last_event(measure, events, value):
    found = values(measure, events[:-1])
    return (value[0], min(found)) if found else value


@bug('max')
def max_starts_at_zero(measure, events, value):
    return value and (value[0], max(value[1], 0)) if value and value[0] == 'number' else value


@bug('distinct')
def distinct_ignores_case(measure, events, value):
    return 'count', len({v.lower() for v in values(measure, events)})


@bug('distinct')
def distinct_counts_null(measure, events, value):
    return 'count', len({VALUE['text'](measure['argument'], e) for e in events if passes(measure.get('where'), e)})


@bug('percentile')
def percentile_floors_its_rank(measure, events, value):
    found, (numerator, denominator) = sorted(values(measure, events)), measure['p']
    return value and ('number', found[max(1, numerator * len(found) // denominator) - 1])


@bug('first')
def first_by_log_order_alone(measure, events, value):
    found = [v for _, v in sorted((e.position, VALUE[measure['type']](measure['argument'], e)) for e in events if passes(measure.get('where'), e))
             if v is not None]
    return value and (value[0], found[0])


@bug('first')
def first_is_null_where_the_first_event_has_none(measure, events, value):
    counted = [e for e in events if passes(measure.get('where'), e)]
    return value and (value if VALUE[measure['type']](measure['argument'], min(counted, key=lambda e: (e.time, e.position))) is not None else None)


@bug('last')
def last_of_equal_times_is_the_first_to_come(measure, events, value):
    held = [(e.time, e.position, VALUE[measure['type']](measure['argument'], e)) for e in events if passes(measure.get('where'), e)]
    held = [h for h in held if h[2] is not None]
    return value and (value[0], max(held, key=lambda h: (h[0], -h[1]))[2])


@bug('topk')
def topk_lists_equal_counts_as_they_came(measure, events, value):
    found = values(measure, events)
    order = sorted(dict.fromkeys(found), key=lambda v: -found.count(v))
    return 'top', [(v, found.count(v)) for v in order[:measure['top']]]


@bug('topk')
def topk_gives_one_too_many(measure, events, value):
    found = values(measure, events)
    order = sorted(set(found), key=lambda v: (-found.count(v), v))
    return 'top', [(v, found.count(v)) for v in order[:measure['top'] + 1]]


@bug('derived')
def derived_cuts_instead_of_rounding(measure, events, value):
    # The last digit one lower in size: what cutting does to every second quotient.
    return value and ('number', value[1] - (value[1] > 0) + (value[1] < 0)) if value and value[1] % ONE else value


@bug('derived')
def derived_divides_by_zero_to_zero(measure, events, value):
    return value or ('number', 0)


def calendar(windows):
    """A bug in the windows of calendars, not in a measure."""
    def on(measure, events, value):
        return value
    on.windows = lambda window, t: windows(window, t) if window['kind'] == 'calendar' else windows_of(window, t)
    PLANTED[windows.__name__.replace('_', ' ')] = on
    return windows


@calendar
def calendar_in_UTC(window, t):
    return windows_of(dict(window, zone='UTC'), t)


@calendar
def calendar_weeks_begin_on_sunday(window, t):
    if window['unit'] != 'week':
        return windows_of(window, t)
    start, end = windows_of(window, t + DAY)[0]
    return [(start - DAY, end - DAY)]


@calendar
def calendar_days_have_24_hours(window, t):
    start, end = windows_of(window, t)[0]
    return [(start, start + DAY if window['unit'] == 'day' else end)]


assert half_up(-5, 10) == -1
