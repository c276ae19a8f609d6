package dev.millrace.capture.connector;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.util.List;
import org.apache.kafka.connect.data.Schema;
import org.junit.jupiter.api.Test;

class TextConverterTest {

    @Test
    void marksUnknownValueInsteadOfFailing() {
        assertThat(TextConverter.text(List.of("secret"))).isSameAs(TextConverter.UNREADABLE);
    }

    @Test
    void formatsMoneyLikeItsOutputFunction() {
        assertThat(TextConverter.text(new BigDecimal("-1234567.50"))).isEqualTo("-$1,234,567.50");
    }

    @Test
    void schemaHasNoDefault() {
        Schema schema = TextConverter.schema().defaultValue("a default").build();

        assertThat(schema.defaultValue()).isNull();
        assertThat(schema.isOptional()).isTrue();
    }
}
