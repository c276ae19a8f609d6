package dev.millrace.expression;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Numeric functions: round and abs.
class NumericFunctionsTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            textBlock =
                    """
                    round(n) ; [12]
                    round(n, 2) ; [12.35]
                    round(2.5) ; [3]
                    round(-2.5) ; [-3]
                    round(1234.56, -2) ; [1200]
                    round(i4, 1) ; [42.0]
                    round(n, 5) ; [12.34500]
                    round(0.005, 2) ; [0.01]
                    round(0.4) ; [0]
                    round(-0.4) ; [0]
                    round(55, -2) ; [100]
                    round(49, -2) ; [0]
                    round('NaN'::numeric) ; [NaN]
                    round('-Infinity'::numeric, 2) ; [-Infinity]
                    round(nn) ; NULL
                    round(n, ni) ; NULL
                    round(i4) ; refused: round of int4 is not supported
                    round(f) ; refused: round of float8 is not supported
                    round(n, i8) ; refused: an integer is required, but this is int8
                    abs(-5) ; [5]
                    abs(i2 - 10) ; [3]
                    abs(n - 20) ; [7.655]
                    abs(-1.50) ; [1.50]
                    abs('-Infinity'::numeric) ; [Infinity]
                    abs('NaN'::numeric) ; [NaN]
                    abs(ni) ; NULL
                    abs(-2147483647) ; [2147483647]
                    abs(-2147483648) ; refused: PostgreSQL refuses this constant: integer out of range
                    abs(CAST(-32768 AS smallint)) ; refused: PostgreSQL refuses this constant: smallint out of range
                    abs(t) ; refused: abs of text is not supported
                    abs(f) ; refused: abs of float8 is not supported
                    """)
    void evaluatesAsPostgres(String expression, String expected) {
        Evaluation.check(expression, expected);
    }
}
