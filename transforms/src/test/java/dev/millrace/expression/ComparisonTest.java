package dev.millrace.expression;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Comparisons, IS DISTINCT FROM, BETWEEN and IN.
class ComparisonTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            textBlock =
                    """
                    i4 = 42 ; [t]
                    i4 <> 42 ; [f]
                    i4 != 41 ; [t]
                    i4 < i8 ; [t]
                    i4 >= 42.0 ; [t]
                    n > i2 ; [t]
                    n = 12.3450 ; [t]
                    p <= 19.9 ; [t]
                    ni = 1 ; NULL
                    i4 = NULL ; NULL
                    NULL = NULL ; NULL
                    i4 = '42' ; [t]
                    i4 = 'x' ; refused: invalid input syntax for type integer
                    'NaN'::numeric = 'NaN'::numeric ; [t]
                    'NaN'::numeric > 'Infinity'::numeric ; [t]
                    t = 'Hello' ; [t]
                    t = 'Hello ' ; [f]
                    c = 'ab' ; [t]
                    c = 'ab        ' ; [t]
                    c = t ; [f]
                    t < 'Hemp' ; [t]
                    t < v ; [t]
                    e > 'zz' ; [t]
                    b > false ; [t]
                    b = 'yes' ; [t]
                    u = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' ; [t]
                    u < 'b0000000-0000-0000-0000-000000000000' ; [t]
                    u = 'x' ; refused: this is not a uuid in its plain form
                    'a' < 'B' ; refused: ordering text in the collation default is not supported
                    t = i4 ; refused: comparing text with int4 is not supported
                    b = 1 ; refused: comparing bool with integer is not supported
                    c = v ; refused: comparing bpchar(5) with varchar(10) is not supported
                    j = '{}' ; refused: comparing jsonb with an untyped string is not supported
                    ni IS DISTINCT FROM 1 ; [t]
                    ni IS NOT DISTINCT FROM NULL ; [t]
                    i4 IS DISTINCT FROM 42 ; [f]
                    i4 IS NOT DISTINCT FROM ni ; [f]
                    i4 BETWEEN 40 AND 42 ; [t]
                    i4 BETWEEN 43 AND 41 ; [f]
                    i4 NOT BETWEEN 1 AND 2 ; [t]
                    ni BETWEEN 1 AND 2 ; NULL
                    i4 BETWEEN NULL AND 41 ; [f]
                    i4 BETWEEN NULL AND 43 ; NULL
                    d BETWEEN '2024-01-01' AND '2024-12-31' ; [t]
                    i4 IN (1, 42) ; [t]
                    i4 IN (1, 2) ; [f]
                    i4 IN (1, NULL) ; NULL
                    i4 NOT IN (1, NULL) ; NULL
                    i4 IN (42, NULL) ; [t]
                    i4 NOT IN (1, 2) ; [t]
                    i4 IN (1, 2.5, 42.0) ; [t]
                    i4 IN (i2, i4) ; [t]
                    t IN ('a', 'Hello') ; [t]
                    ni IN (1) ; NULL
                    t IN (1) ; refused: comparing text with integer is not supported
                    j IN ('{}', '[]') ; refused: IN over jsonb is not supported
                    """)
    void evaluatesAsPostgres(String expression, String expected) {
        Evaluation.check(expression, expected);
    }
}
