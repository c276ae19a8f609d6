package dev.millrace.expression;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Arithmetic and concatenation.
class OperatorsTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            textBlock =
                    """
                    i4 + 1 ; [43]
                    i4 - 50 ; [-8]
                    i4 * i2 ; [294]
                    i4 / 5 ; [8]
                    -7 / 2 ; [-3]
                    -7 % 3 ; [-1]
                    7 % -3 ; [1]
                    i4 / 0 ; error: division by zero
                    i4 % 0 ; error: division by zero
                    1 / 0 ; refused: PostgreSQL refuses this constant: division by zero
                    2147483647 + 1 ; refused: PostgreSQL refuses this constant: integer out of range
                    2147483647 + CAST(1 AS bigint) ; [2147483648]
                    -2147483648 ; [-2147483648]
                    -2147483648 / -1 ; refused: PostgreSQL refuses this constant: integer out of range
                    -2147483648 % -1 ; [0]
                    i8 * i8 ; error: bigint out of range
                    i4 + i8 ; [9000000042]
                    i2 + 32767 ; [32774]
                    i2 + CAST(32767 AS smallint) ; error: smallint out of range
                    - CAST(-2147483648 AS integer) ; refused: PostgreSQL refuses this constant: integer out of range
                    n + 1 ; [13.345]
                    n - n ; [0.000]
                    n * 2 ; [24.690]
                    n * p ; [245.66550]
                    1 / 3.0 ; [0.33333333333333333333]
                    10.0 / 4 ; [2.5000000000000000]
                    p / 3 ; [6.6333333333333333]
                    2 / 1000000.0 ; [0.000002000000000000000000]
                    n % 5 ; [2.345]
                    -7.5 % 2 ; [-1.5]
                    -n ; [-12.345]
                    - i4 ; [-42]
                    + n ; [12.345]
                    n / 0 ; error: division by zero
                    n % 0 ; error: division by zero
                    nn + 1 ; NULL
                    ni / 0 ; NULL
                    i4 + NULL ; NULL
                    'NaN'::numeric + 1 ; [NaN]
                    'Infinity'::numeric - 'Infinity'::numeric ; [NaN]
                    'Infinity'::numeric * 0 ; [NaN]
                    'Infinity'::numeric * -2 ; [-Infinity]
                    1 / 'Infinity'::numeric ; [0]
                    'Infinity'::numeric / 'Infinity'::numeric ; [NaN]
                    5 % 'Infinity'::numeric ; [5]
                    '5' + i4 ; [47]
                    'x' + i4 ; refused: invalid input syntax for type integer
                    t + 1 ; refused: the operator + on text and integer is not supported
                    d + 1 ; refused: the operator + on date and integer is not supported
                    f + 1 ; refused: the operator + on float8 and integer is not supported
                    - t ; refused: the operator - on text is not supported
                    0x1F + 1 ; [32]
                    0b101 ; [5]
                    1_000 ; [1000]
                    9223372036854775807 ; [9223372036854775807]
                    9223372036854775808 ; [9223372036854775808]
                    1e3 ; [1000]
                    .5 + .5 ; [1.0]
                    t || v ; [Helloabc]
                    t || 1 ; [Hello1]
                    t || b ; [Hellotrue]
                    t || n ; [Hello12.345]
                    t || d ; [Hello2024-02-29]
                    i4 || 'x' ; [42x]
                    t || nt ; NULL
                    t || NULL ; NULL
                    c || '|' ; [ab|]
                    'a' || 'b' ; [ab]
                    i4 || i2 ; refused: the operator || on int4 and int2 is not supported
                    j || j ; refused: the operator || on jsonb and jsonb is not supported
                    t || f ; refused: the operator || on float8 is not supported
                    """)
    void evaluatesAsPostgres(String expression, String expected) {
        Evaluation.check(expression, expected);
    }
}
