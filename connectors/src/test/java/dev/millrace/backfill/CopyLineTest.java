package dev.millrace.backfill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class CopyLineTest {

    private static final RowSchema SCHEMA =
            RowSchema.keyed(new TableId("public", "item"), List.of("id", "a", "b"), List.of("id"));

    private static CopyLine line(String text) {
        return new CopyLine(text.getBytes(StandardCharsets.UTF_8));
    }

    private static Row row(String text) {
        CopyLine line = line("(0,1)\t" + text + "\n");
        line.tid();
        return line.row(SCHEMA);
    }

    @Test
    void thePositionIsThePageAndTheLine() {
        assertThat(line("(4294967294,291)\t1\t2\t3\n").tid())
                .isEqualTo(TidRange.tid(4_294_967_294L, 291));
    }

    @Test
    void everyEscapeStandsForOneByte() {
        Row row = row("\\\\\\b\\f\\n\\r\\t\\v\t\\\\N\té𝄞\\\\é");

        assertThat(row).isEqualTo(Row.of(SCHEMA, "\\\b\f\n\r\t\u000B", "\\N", "é𝄞\\é"));
    }

    @Test
    void nullIsNotAnEmptyText() {
        assertThat(row("1\t\\N\t")).isEqualTo(Row.of(SCHEMA, "1", null, ""));
        assertThat(row("1\t\t\\N")).isEqualTo(Row.of(SCHEMA, "1", "", null));
    }

    /// The message contains no value.
    @Test
    void aLineOfAnotherFormIsRefused() {
        for (String text : List.of("1\tsecret", "1\tsecret\t3\t4", "1\t\\x\tsecret")) {
            assertThatThrownBy(() -> row(text))
                    .hasMessageContaining("cannot be parsed")
                    .hasMessageNotContaining("secret");
        }
        assertThatThrownBy(() -> line("1\t2\n").tid()).hasMessageContaining("cannot be parsed");
    }
}
