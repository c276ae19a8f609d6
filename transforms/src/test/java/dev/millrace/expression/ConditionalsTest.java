package dev.millrace.expression;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// CASE, COALESCE and NULLIF.
class ConditionalsTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            textBlock =
                    """
                    CASE WHEN i4 > 40 THEN 'big' ELSE 'small' END ; [big]
                    CASE WHEN i4 > 42 THEN 'big' ELSE 'small' END ; [small]
                    CASE i4 WHEN 42 THEN 'x' END ; [x]
                    CASE i4 WHEN 1 THEN 'x' END ; NULL
                    CASE WHEN nb THEN 1 ELSE 2 END ; [2]
                    CASE WHEN b THEN i2 ELSE n END ; [7]
                    CASE WHEN b THEN 1 ELSE 2.5 END ; [1]
                    CASE WHEN i4 = 42 THEN 1 ELSE 1 / (i4 - 42) END ; [1]
                    CASE WHEN i4 <> 42 THEN 1 ELSE 1 / (i4 - 42) END ; error: division by zero
                    CASE WHEN false THEN 1 / (i4 - 42) ELSE 5 END ; [5]
                    CASE WHEN b THEN NULL ELSE 3 END ; NULL
                    CASE WHEN b THEN '7' ELSE i4 END ; [7]
                    CASE WHEN b THEN v ELSE t END ; [abc]
                    CASE WHEN true THEN 'a' END ; [a]
                    CASE nt WHEN 'x' THEN 1 ELSE 2 END ; [2]
                    CASE NULL WHEN NULL THEN 1 ELSE 2 END ; [2]
                    CASE 'a' WHEN 'a' THEN 1 WHEN 'a' THEN 2 END ; [1]
                    CASE WHEN b THEN t ELSE 1 END ; refused: CASE over integer and text is not supported
                    CASE WHEN b THEN 'x' ELSE i4 END ; refused: invalid input syntax for type integer
                    CASE WHEN i4 THEN 1 END ; refused: a condition must be boolean, but this is int4
                    CASE i4 WHEN 'x' THEN 1 END ; refused: invalid input syntax for type integer
                    coalesce(ni, 5) ; [5]
                    coalesce(i4, 5) ; [42]
                    coalesce(nt, 'x') ; [x]
                    coalesce(NULL, NULL) ; NULL
                    coalesce(ni, nn, 2.50) ; [2.50]
                    coalesce(ni, nn) ; NULL
                    coalesce(i4, 1 / (i4 - 42)) ; [42]
                    coalesce(ni, 1 / (i4 - 42)) ; error: division by zero
                    coalesce(j, NULL) ; [{"a": 1}]
                    coalesce(nd, '2020-01-01') ; [2020-01-01]
                    coalesce(i4, 'x') ; refused: invalid input syntax for type integer
                    coalesce(nt, i4) ; refused: COALESCE over text and int4 is not supported
                    coalesce(j, '{}') ; refused: COALESCE over a string and jsonb is not supported
                    nullif(i4, 42) ; NULL
                    nullif(i4, 1) ; [42]
                    nullif(ni, 1) ; NULL
                    nullif(i4, NULL) ; [42]
                    nullif(t, 'x') ; [Hello]
                    nullif(c, 'ab') ; NULL
                    nullif(1, 1.0) ; NULL
                    nullif(t, 1) ; refused: comparing text with integer is not supported
                    """)
    void evaluatesAsPostgres(String expression, String expected) {
        Evaluation.check(expression, expected);
    }
}
