package dev.millrace.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.millrace.change.TableId;
import org.junit.jupiter.api.Test;

class IdentifierTest {

    @Test
    void quotesNamesAndDoublesQuotes() {
        assertThat(Identifier.quote("a\"b.c")).isEqualTo("\"a\"\"b.c\"");
        assertThat(Identifier.quote(new TableId("s.1", "Order"))).isEqualTo("\"s.1\".\"Order\"");
    }

    @Test
    void rejectsEmptyNamesAndNul() {
        assertThatIllegalArgumentException().isThrownBy(() -> Identifier.quote("a\0b"));
        assertThatIllegalArgumentException().isThrownBy(() -> Identifier.quote(""));
        assertThatIllegalArgumentException().isThrownBy(() -> Identifier.literal("\0"));
    }

    @Test
    void writesBackslashAsEscapeString() {
        assertThat(Identifier.literal("it's")).isEqualTo("'it''s'");
        assertThat(Identifier.literal("\\'")).isEqualTo(" E'\\\\'''");
    }
}
