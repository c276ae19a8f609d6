package dev.millrace.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.control.ControlRows.Removal;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.Database;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What the end of one migration removes from a control schema that another one uses too.
class ControlRowsIT {

    private final TestDatabase control = PostgresServer.shared().newTarget();

    /// A user's table may have a column with the name by which the rows of a migration are found.
    @Test
    void incompleteRowsOfOthersStayWhateverTheirColumnsAre() throws Exception {
        String own = "millrace." + ControlSchema.incompleteRows(0, "own").name();
        String others = "millrace." + ControlSchema.incompleteRows(12, "others").name();
        for (String table : List.of(own, others)) {
            control.execute(
                    "CREATE TABLE " + table + " (id int, migration text)",
                    "INSERT INTO " + table + " VALUES (1, 'own')");
        }
        control.execute(
                "INSERT INTO millrace.journal (migration, who, phase, event) VALUES ('others', 'w', 'p', 'e')");

        Login login = GrantedLogins.apply(control);
        try (Database database = login.database("test")) {
            assertThat(new ControlRows(database, List.of("own")).remove(_ -> {}))
                    .isInstanceOf(Removal.SchemaStays.class);
        }

        assertThat(control.value("SELECT to_regclass('" + own + "') IS NULL")).isEqualTo("t");
        assertThat(control.query("SELECT id, migration FROM " + others))
                .isEqualTo(List.of(List.of("1", "own")));
    }
}
