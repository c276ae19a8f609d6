package dev.millrace.expression;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Text functions: lower, upper, trim, substring, length, concat, replace.
class TextFunctionsTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            textBlock =
                    """
                    lower(t) ; [hello]
                    upper(t) ; [HELLO]
                    lower('ABC') ; [abc]
                    upper(e) ; [Ä😀]
                    lower(c) ; [ab]
                    lower(nt) ; NULL
                    lower('') ; []
                    lower(i4) ; refused: a text is required, but this is int4
                    lower('ΑΣ') ; refused: PostgreSQL refuses this constant: the case of U+03A3 depends on its neighbours
                    trim('  x  ') ; [x]
                    btrim('xyxtrimyyx', 'xyz') ; [trim]
                    ltrim('zzzytest', 'xyz') ; [test]
                    rtrim('testxxzx', 'xyz') ; [test]
                    ltrim('  x ') ; [x ]
                    rtrim('  x ') ; [  x]
                    trim(both 'Ho' from t) ; [ell]
                    trim(leading 'H' from t) ; [ello]
                    trim(trailing 'o' from t) ; [Hell]
                    trim(both from '  x ') ; [x]
                    btrim(t, '') ; [Hello]
                    btrim(t, nt) ; NULL
                    btrim(e, '😀') ; [ä]
                    btrim('xxx', 'x') ; []
                    trim(c) ; [ab]
                    substring('Thomas' from 2 for 3) ; [hom]
                    substr('alphabet', 3) ; [phabet]
                    substr('alphabet', 3, 2) ; [ph]
                    substring(t from 0 for 3) ; [He]
                    substring(t from -2 for 5) ; [He]
                    substring(t from -5 for 2) ; []
                    substring(t, 10) ; []
                    substring(t from 2 for 0) ; []
                    substring(t from 2 for 2147483647) ; [ello]
                    substring(e from 2 for 1) ; [😀]
                    substring(t for 2) ; [He]
                    substring(t, 1, -1) ; error: negative substring length not allowed
                    substring('abc', 1, -1) ; refused: PostgreSQL refuses this constant: negative substring length not allowed
                    substring(t, ni) ; NULL
                    substring(t, i8) ; refused: an integer is required, but this is int8
                    length(t) ; [5]
                    length(e) ; [2]
                    length(c) ; [2]
                    length('') ; [0]
                    char_length('jose') ; [4]
                    character_length(v) ; [3]
                    length(nt) ; NULL
                    length(i4) ; refused: a text is required, but this is int4
                    concat('abcde', 2, NULL, 22) ; [abcde222]
                    concat(nt) ; []
                    concat(b, d) ; [t2024-02-29]
                    concat(c, '|') ; [ab   |]
                    concat(f, n) ; [1.512.345]
                    concat(j) ; [{"a": 1}]
                    concat(m) ; refused: a text is required, but the text of money is not known
                    concat_ws(',', 'abcde', 2, NULL, 22) ; [abcde,2,22]
                    concat_ws(nt, 'a', 'b') ; NULL
                    concat_ws(',', nt, nt) ; []
                    concat_ws('', t, v) ; [Helloabc]
                    concat_ws(i4, 'a') ; refused: a text is required, but this is int4
                    replace('abcdefabcdef', 'cd', 'XX') ; [abXXefabXXef]
                    replace(t, 'l', '') ; [Heo]
                    replace(t, '', 'x') ; [Hello]
                    replace(t, nt, 'x') ; NULL
                    replace('aaa', 'aa', 'b') ; [ba]
                    replace(c, ' ', '-') ; [ab]
                    """)
    void evaluatesAsPostgres(String expression, String expected) {
        Evaluation.check(expression, expected);
    }
}
