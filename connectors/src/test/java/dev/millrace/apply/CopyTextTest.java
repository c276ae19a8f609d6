package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.apply.copy.CopyText;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class CopyTextTest {

    private static final RowSchema ROW_SCHEMA =
            ApplierScenario.rowSchema("item", "id", "name", "body");

    private static String text(Row... rows) {
        CopyText text = new CopyText();
        for (Row row : rows) {
            text.add(row, List.of(0, 1, 2));
        }
        return new String(text.buffer(), 0, text.size(), StandardCharsets.UTF_8);
    }

    @Test
    void distinguishesNullFromEmptyTextAndFromItsMarker() {
        assertThat(text(Row.of(ROW_SCHEMA, null, "", "\\N"))).isEqualTo("\\N\t\t\\\\N\n");
    }

    @Test
    void escapesSeparators() {
        assertThat(text(Row.of(ROW_SCHEMA, "a\tb", "c\nd\re", "\\.")))
                .isEqualTo("a\\tb\tc\\nd\\re\t\\\\.\n");
    }

    @Test
    void keepsEveryCharacterOfLongTexts() {
        String wide = "žluťoučký 𝄞 \u2028".repeat(20_000);

        assertThat(text(Row.of(ROW_SCHEMA, "1", wide, "x"))).isEqualTo("1\t" + wide + "\tx\n");
    }

    @Test
    void refusesAnUnchangedCell() {
        Row partial = new Row.Builder(ROW_SCHEMA).text(0, "1").unchanged(1).build();

        assertThatThrownBy(() -> text(partial)).isInstanceOf(IllegalStateException.class);
    }
}
