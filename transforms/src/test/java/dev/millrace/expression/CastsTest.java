package dev.millrace.expression;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Casts.
class CastsTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            textBlock =
                    """
                    CAST('12' AS integer) ; [12]
                    CAST(' 12 ' AS int) ; [12]
                    CAST('+7' AS smallint) ; [7]
                    CAST('' AS int) ; refused: invalid input syntax for type integer
                    CAST('1.5' AS int) ; refused: invalid input syntax for type integer
                    CAST('9223372036854775808' AS bigint) ; refused: value is out of range for type bigint
                    CAST(t AS integer) ; error: invalid input syntax for type integer
                    CAST(substring(us::text from 1 for 4) AS int) ; [2024]
                    CAST(i8 AS integer) ; error: integer out of range
                    32768::smallint ; refused: PostgreSQL refuses this constant: smallint out of range
                    CAST(n AS integer) ; [12]
                    CAST(2.5 AS integer) ; [3]
                    CAST(-2.5 AS integer) ; [-3]
                    CAST(1.5 AS smallint) ; [2]
                    CAST(i8 * 10.0 AS integer) ; error: integer out of range
                    CAST('NaN'::numeric AS int) ; refused: PostgreSQL refuses this constant: cannot convert NaN to integer
                    b::int ; [1]
                    false::int ; [0]
                    0::boolean ; [f]
                    5::bool ; [t]
                    i8::bool ; refused: a CAST from int8 to boolean is not supported
                    'yes'::boolean ; [t]
                    'off'::boolean ; [f]
                    'of'::boolean ; [f]
                    ' T '::boolean ; [t]
                    'o'::boolean ; refused: invalid input syntax for type boolean
                    t::boolean ; error: invalid input syntax for type boolean
                    b::text ; [true]
                    i4::text ; [42]
                    n::text ; [12.345]
                    p::text ; [19.90]
                    d::text ; [2024-02-29]
                    u::text ; [a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11]
                    c::text ; [ab]
                    f::text ; [1.5]
                    j::text ; [{"a": 1}]
                    t::varchar(3) ; [Hel]
                    e::varchar(1) ; [ä]
                    t::char(7) ; [Hello  ]
                    t::char ; [H]
                    i4::varchar(1) ; [4]
                    c::varchar ; [ab]
                    n::numeric(4,1) ; [12.3]
                    n::numeric(3,2) ; error: numeric field overflow
                    12.345::numeric(4,2) ; [12.35]
                    1234::numeric(5,-2) ; [1200]
                    i4::numeric(10,2) ; [42.00]
                    '1e3'::numeric ; [1000]
                    'inf'::numeric ; [Infinity]
                    ' NaN '::numeric ; [NaN]
                    'Infinity'::numeric(5,2) ; refused: PostgreSQL refuses this constant: numeric field overflow
                    '1e'::numeric ; refused: invalid input syntax for type numeric
                    nt::int ; NULL
                    NULL::int ; NULL
                    ni::text ; NULL
                    'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid ; [a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11]
                    '2024-02-29'::date ; [2024-02-29]
                    date '2024-02-29' ; [2024-02-29]
                    f::numeric ; refused: a CAST from float8 to numeric is not supported
                    m::text ; refused: a CAST from money to text is not supported
                    d::timestamp ; refused: a CAST from date to timestamp without time zone is not supported
                    i4::uuid ; refused: a CAST from int4 to uuid is not supported
                    i4::money ; refused: a CAST to money is not supported
                    i4::integer[] ; refused: a CAST to integer[] is not supported
                    """)
    void evaluatesAsPostgres(String expression, String expected) {
        Evaluation.check(expression, expected);
    }
}
