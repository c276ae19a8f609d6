package dev.millrace.usage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.usage.SourceUse.Definition;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SourceUseTest {

    @Test
    void aTableIsReachedByItsName() {
        assertThat(SourceUse.reaching(Set.of("account"), List.of())).containsExactly("account");
        assertThat(SourceUse.reaching(Set.of(), List.of(new Definition("v", "x")))).isEmpty();
    }

    @Test
    void viewsAndFunctionsThatNameItReachIt() {
        assertThat(
                        SourceUse.reaching(
                                Set.of("account"),
                                List.of(
                                        new Definition("report", "SELECT count(*) FROM rich"),
                                        new Definition("rich", "SELECT id FROM Account"),
                                        new Definition("other", "SELECT id FROM account_type"),
                                        new Definition("mine", "SELECT my$account FROM t"))))
                .containsExactlyInAnyOrder("account", "rich", "report");
    }

    @Test
    void namesAreFoundAsWholeWordsWhateverTheyContain() {
        assertThat(SourceUse.expression(Set.of("a.b", "kundé")))
                .isEqualTo("(^|[^[:alnum:]_$])(a\\.b|kundé)($|[^[:alnum:]_$])");
    }
}
