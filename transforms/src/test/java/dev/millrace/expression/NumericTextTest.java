package dev.millrace.expression;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Boundaries of numeric literals, as PostgreSQL 18 handles them.
class NumericTextTest {

    @ParameterizedTest
    @CsvSource({
        "1e131071, 131072",
        "1e30027, 30028",
        "12345678e131064, 131072",
        "1e-16383, 16385",
        "0e-16383, 16385",
        "0e200000, 1",
        "0e1073741822, 1",
        "-0e5, 1"
    })
    void parsesLiteralToTextOfLength(String text, int length) {
        assertThat(Literals.numeric(text).text()).hasSize(length);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1e131072",
                "1e-16384",
                "1.5e-16383",
                "1e-20000",
                "0e-20000",
                "1e99999999",
                "1e-1000000000",
                "0e1073741824"
            })
    void refusesOverflow(String text) {
        assertThatThrownBy(() -> Literals.numeric(text))
                .isInstanceOf(RowError.class)
                .hasMessage("value overflows numeric format");
    }
}
