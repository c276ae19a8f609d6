package dev.millrace.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.millrace.change.TableId;
import dev.millrace.stream.KnownTables.UnknownTableException;
import java.util.List;
import org.junit.jupiter.api.Test;

class KnownTablesTest {

    private final KnownTables tables =
            KnownTables.of(
                    List.of(new TableId("public", "users"), new TableId("public", "product")),
                    List.of(new TableId("crm", "customer")));

    @Test
    void acceptsATableOfItsSide() {
        assertThatCode(() -> tables.requireSource("public.users")).doesNotThrowAnyException();
        assertThatCode(() -> tables.requireTarget("crm.customer")).doesNotThrowAnyException();
    }

    @Test
    void suggestsTheNearestNameAndListsAllTables() {
        assertThat(catchThrowable(() -> tables.requireSource("public.user")))
                .isInstanceOf(UnknownTableException.class)
                .hasMessage(
                        "'public.user' is not a source table of this migration (did you mean"
                                + " public.users?). Its source tables are: public.product,"
                                + " public.users");
    }

    @Test
    void saysThatATableBelongsToTheOtherSide() {
        assertThat(catchThrowable(() -> tables.requireSource("crm.customer")))
                .hasMessageContaining("(it is a target table)");
        assertThat(catchThrowable(() -> tables.requireTarget("public.users")))
                .hasMessageContaining("(it is a source table)");
    }
}
