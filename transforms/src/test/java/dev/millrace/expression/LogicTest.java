package dev.millrace.expression;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// AND, OR, NOT and the tests of truth values.
class LogicTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            textBlock =
                    """
                    b AND true ; [t]
                    b AND nb ; NULL
                    b AND false ; [f]
                    nb AND false ; [f]
                    false AND nb ; [f]
                    nb OR true ; [t]
                    nb OR b ; [t]
                    nb OR false ; NULL
                    NULL AND false ; [f]
                    NULL OR NULL ; NULL
                    NOT b ; [f]
                    NOT nb ; NULL
                    NOT NULL ; NULL
                    nb IS NULL ; [t]
                    b IS NOT NULL ; [t]
                    t IS NULL ; [f]
                    ni ISNULL ; [t]
                    i4 NOTNULL ; [t]
                    j IS NULL ; [f]
                    b IS TRUE ; [t]
                    b IS FALSE ; [f]
                    nb IS TRUE ; [f]
                    nb IS NOT TRUE ; [t]
                    nb IS NOT FALSE ; [t]
                    nb IS UNKNOWN ; [t]
                    b IS NOT UNKNOWN ; [t]
                    false AND 1 / (i4 - 42) = 1 ; [f]
                    b OR 1 / (i4 - 42) = 1 ; [t]
                    NOT b OR 1 / (i4 - 42) = 1 ; error: division by zero
                    i4 = 42 AND t = 'Hello' OR nb ; [t]
                    NOT (i4 = 42 AND nb) ; NULL
                    NOT 'yes' ; [f]
                    'no' OR b ; [t]
                    'maybe' OR b ; refused: invalid input syntax for type boolean
                    i4 IS TRUE ; refused: a condition must be boolean, but this is int4
                    i4 AND b ; refused: a condition must be boolean, but this is int4
                    NOT t ; refused: a condition must be boolean, but this is text
                    """)
    void evaluatesAsPostgres(String expression, String expected) {
        Evaluation.check(expression, expected);
    }
}
