package dev.millrace.expression;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// LIKE with its wildcards and escapes.
class LikePatternTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            textBlock =
                    """
                    t LIKE 'H%' ; [t]
                    t LIKE '_ello' ; [t]
                    t LIKE 'h%' ; [f]
                    t LIKE '%l%l%' ; [t]
                    t LIKE '%l%l%l%' ; [f]
                    t LIKE 'Hello' ; [t]
                    t LIKE 'Hell' ; [f]
                    t LIKE '' ; [f]
                    '' LIKE '' ; [t]
                    '' LIKE '%' ; [t]
                    '' LIKE '_' ; [f]
                    t LIKE '%' ; [t]
                    t LIKE '%%' ; [t]
                    t LIKE '%_o' ; [t]
                    t LIKE '_____' ; [t]
                    t LIKE '______' ; [f]
                    t LIKE '_%_' ; [t]
                    'aaab' LIKE '%aab' ; [t]
                    t NOT LIKE 'x%' ; [t]
                    t NOT LIKE 'H%' ; [f]
                    nt LIKE '%' ; NULL
                    t LIKE nt ; NULL
                    nt NOT LIKE '%' ; NULL
                    'a%b' LIKE 'a\\%b' ; [t]
                    'axb' LIKE 'a\\%b' ; [f]
                    'a_b' LIKE 'a!_b' ESCAPE '!' ; [t]
                    'axb' LIKE 'a!_b' ESCAPE '!' ; [f]
                    'a!b' LIKE 'a!!b' ESCAPE '!' ; [t]
                    'a\\b' LIKE 'a\\b' ESCAPE '' ; [t]
                    'a\\b' LIKE 'a\\\\b' ; [t]
                    'abc' LIKE '%\\c' ; [t]
                    t LIKE 'Hell\\' ; error: LIKE pattern must not end with escape character
                    t LIKE 'x\\' ; [f]
                    t LIKE 'H%' ESCAPE 'ab' ; refused: PostgreSQL refuses this constant: invalid escape string
                    e LIKE '_😀' ; [t]
                    e LIKE '__' ; [t]
                    v LIKE 'a_c' ; [t]
                    c LIKE 'ab' ; [f]
                    c LIKE 'ab   ' ; [t]
                    c LIKE 'ab%' ; [t]
                    i4 LIKE '4%' ; refused: a text is required, but this is int4
                    t LIKE 4 ; refused: a text is required, but this is integer
                    """)
    void evaluatesAsPostgres(String expression, String expected) {
        Evaluation.check(expression, expected);
    }
}
