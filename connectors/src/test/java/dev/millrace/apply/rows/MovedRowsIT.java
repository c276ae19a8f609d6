package dev.millrace.apply.rows;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.apply.sql.TableRule;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Rows that swap values, in several attempts of one transaction.
class MovedRowsIT {

    private static final RowSchema ITEM =
            RowSchema.keyed(new TableId("public", "item"), List.of("id", "code"), List.of("id"));

    private final TestDatabase database = PostgresServer.shared().newDatabase();

    private static List<TableChanges> swap(String one, String two) {
        TableChanges changes = new TableChanges(ITEM);
        changes.upsert(Row.of(ITEM, "1", one), 0);
        changes.upsert(Row.of(ITEM, "2", two), 0);
        return List.of(changes);
    }

    private static String temporaryTable(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                var row =
                        statement.executeQuery(
                                "SELECT string_agg(oid::text, ',') FROM pg_class WHERE relname LIKE"
                                        + " 'millrace\\_moved\\_%' AND relkind = 'r'")) {
            row.next();
            return String.valueOf(row.getString(1));
        }
    }

    /// To create it for each attempt would fill the catalog.
    @Test
    void oneTemporaryTableServesEveryAttemptOfATransaction() throws Exception {
        database.execute(
                "CREATE TABLE item (id int PRIMARY KEY, code text UNIQUE)",
                "INSERT INTO item VALUES (1, 'a'), (2, 'b'), (3, 'c')");
        Login login = GrantedLogins.apply(database);
        try (Connection connection = login.session("apply")) {
            connection.setAutoCommit(false);
            MovedRows rows = new MovedRows(connection, ITEM.table(), TableRule.NONE);
            rows.prepare(RowSchema.keyed(ITEM.table(), List.of("id"), List.of("id")));
            String created = temporaryTable(connection);
            Savepoint before = connection.setSavepoint();
            assertThatThrownBy(() -> rows.change(swap("b", "c"))).isInstanceOf(SQLException.class);
            connection.rollback(before);

            rows.change(swap("b", "a"));
            rows.change(swap("x", "y"));
            new MovedRows(connection, ITEM.table(), TableRule.NONE).change(swap("y", "x"));

            assertThat(temporaryTable(connection)).isEqualTo(created).isNotEqualTo("null");
            connection.commit();
            assertThat(temporaryTable(connection)).isEqualTo("null");
            connection.rollback();
        }
        assertThat(database.query("SELECT id, code FROM item ORDER BY id"))
                .isEqualTo(List.of(List.of("1", "y"), List.of("2", "x"), List.of("3", "c")));
    }
}
