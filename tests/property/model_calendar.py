"""model_calendar.py - days, weeks and months of a time zone, by Python's own zone data: semantics R8 once more, in plain code.

The window of an instant is that of the latest local date seen so far: a date begins with the first instant that has it or a later one.
"""
import datetime
import zoneinfo

HOUR, DAY = 3600, 86_400
KNOWN = {}  # (unit, zone) -> windows found so far


def local(zone, t):
    return datetime.datetime.fromtimestamp(t, zone)


def period(unit, zone, t):
    """A number that grows with the local date's day, week or month."""
    date = local(zone, t).date()
    if unit == 'day':
        return date.toordinal()
    return (date.toordinal() - 1) // 7 if unit == 'week' else date.year * 12 + date.month  # 0001-01-01 was a Monday


def latest(unit, zone, t):
    """The largest period of the last three days up to t: clocks go back by a day at most. Within one offset it only grows."""
    found, before = period(unit, zone, t), t - 3 * DAY
    for at in range(before, t, HOUR):
        after = min(at + HOUR, t)
        if local(zone, at).utcoffset() == local(zone, after).utcoffset():
            continue
        low, high = at, after  # the last second of the old offset
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if local(zone, middle).utcoffset() == local(zone, at).utcoffset() else (low, middle)
        found = max(found, period(unit, zone, low))
    return found


def first_instant(unit, zone, wanted, low, high):
    """The first second in (low, high] whose latest period is `wanted` or later."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if latest(unit, zone, middle) >= wanted else (middle, high)
    return high


def window_of(window, t_ms):
    known = KNOWN.setdefault((window['unit'], window['zone']), [])
    for start, end in known:
        if start <= t_ms < end:
            return start, end
    unit, zone, t = window['unit'], zoneinfo.ZoneInfo(window['zone']), t_ms // 1000
    here, far = latest(unit, zone, t), 40 * DAY
    start = first_instant(unit, zone, here, t - far, t)
    end = first_instant(unit, zone, here + 1, t, t + far)
    known.append((start * 1000, end * 1000))
    return known[-1]
