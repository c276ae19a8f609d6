package dev.millrace.expression;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Dates and timestamps: order, literals and texts.
class TimeTextTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            textBlock =
                    """
                    d = '2024-02-29' ; [t]
                    d < '2024-03-01' ; [t]
                    d >= '2024-03-01' ; [f]
                    d < far ; [t]
                    bc < d ; [t]
                    bc < '0001-01-01' ; [t]
                    d < inf ; [t]
                    inf = 'infinity' ; [t]
                    d > '-infinity' ; [t]
                    nd = d ; NULL
                    nd IS NULL ; [t]
                    d IN ('2024-02-28', '2024-02-29') ; [t]
                    ts > '2024-02-29 12:29:59' ; [t]
                    ts > '2024-02-29' ; [t]
                    ts = '2024-02-29T12:30:00' ; [t]
                    ts = '2024-02-29 12:30' ; [t]
                    ts = '2024-02-29 12:30:00.000' ; [t]
                    ts < us ; [t]
                    us = '2024-02-29 12:30:00.123456' ; [t]
                    us < '2024-02-29 12:30:00.2' ; [t]
                    tz = '2024-02-29 12:30:00+00' ; [t]
                    tz = '2024-02-29 12:30:00Z' ; [t]
                    tz = '2024-02-29 12:30:00+00:00' ; [t]
                    tz < '2024-02-29 12:30:01+00' ; [t]
                    ts::text ; [2024-02-29 12:30:00]
                    us::text ; [2024-02-29 12:30:00.123456]
                    tz::text ; [2024-02-29 12:30:00+00]
                    bc::text ; [0044-03-15 BC]
                    concat(inf, ' ', far) ; [infinity 12024-01-01]
                    coalesce(nd, d) ; [2024-02-29]
                    CASE WHEN d = '2024-02-29' THEN '2020-01-01' ELSE d END ; [2020-01-01]
                    nullif(d, '2024-02-29') ; NULL
                    d = '2023-02-29' ; refused: this is not a date in its plain form
                    d = '2024-2-29' ; refused: this is not a date in its plain form
                    d = '2024-13-01' ; refused: this is not a date in its plain form
                    d = '0000-01-01' ; refused: this is not a date in its plain form
                    d = 'today' ; refused: this is not a date in its plain form
                    d = '2024-02-29 00:00:00' ; refused: this is not a date in its plain form
                    ts = 'now' ; refused: this is not a timestamp without time zone in its plain form
                    ts = '2024-02-29 24:00:00' ; refused: this is not a timestamp without time zone in its plain form
                    ts = '2024-02-29 12:30:00+00' ; refused: this is not a timestamp without time zone in its plain form
                    tz = '2024-02-29 12:30:00' ; refused: this is not a timestamp with time zone in its plain form
                    tz = '2024-02-29 13:30:00+01' ; refused: this is not a timestamp with time zone in its plain form
                    d = ts ; refused: comparing date with timestamp is not supported
                    ts = tz ; refused: comparing timestamp with timestamptz is not supported
                    lower(d) ; refused: a text is required, but this is date
                    """)
    void evaluatesAsPostgres(String expression, String expected) {
        Evaluation.check(expression, expected);
    }
}
