package dev.millrace.grants;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The author of the file chooses its names, and an administrator runs the SQL.
class GrantSqlIT {

    private final TestDatabase database = PostgresServer.shared().newDatabase();

    @ParameterizedTest
    @ValueSource(strings = {"od$millrace$d", "$millrace$or$millrace1$", "o'd%s%I", "o\"d\\"})
    void aNameStaysInItsQuotes(String schema) {
        String quoted = '"' + schema.replace("\"", "\"\"") + '"';
        database.execute(
                "CREATE SCHEMA " + quoted,
                "CREATE TYPE " + quoted + ".kind AS ENUM ('a')",
                "CREATE TABLE " + quoted + ".t (id " + quoted + ".kind PRIMARY KEY)",
                "CREATE SEQUENCE " + quoted + ".free");

        TestDatabase login = GrantedLogins.source(database, quoted + ".*").database();

        assertThat(login.query("SELECT FROM " + quoted + ".t")).isEmpty();
        assertThat(login.value("SELECT last_value FROM " + quoted + ".free")).isEqualTo("1");
    }
}
