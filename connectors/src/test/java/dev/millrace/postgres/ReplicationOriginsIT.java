package dev.millrace.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The names of a stream's origins are no other stream's, also where one identifier begins with the
/// other.
class ReplicationOriginsIT {

    private final TestDatabase database = PostgresServer.shared().newDatabase();
    private final Login login = GrantedLogins.source(database);
    private final String stream = KafkaServer.newMigrationName();

    private void create(String... names) {
        for (String name : names) {
            database.query("SELECT pg_replication_origin_create('" + name + "')");
        }
    }

    private List<String> left() {
        return database
                .query(
                        "SELECT roname FROM pg_replication_origin WHERE starts_with(roname, 'millrace_"
                                + stream
                                + "') ORDER BY 1")
                .stream()
                .map(row -> String.valueOf(row.getFirst()))
                .toList();
    }

    private List<String> drop(String of) throws SQLException {
        try (Connection connection = login.connect()) {
            return ReplicationOrigins.drop(connection, of);
        }
    }

    @Test
    void dropsTheInactiveOriginsOfExactlyOneStream() throws SQLException {
        String start = "millrace_" + stream;
        create(start + "_1", start + "_12", start + "_1_1", start + "_1_", start + "_1x");
        create(start + "x_1", start + "_", start);
        try (Connection user = database.connect();
                var statement = user.createStatement()) {
            statement.execute("SELECT pg_replication_origin_session_setup('" + start + "_12')");

            assertThat(drop(stream)).containsExactly(start + "_1");
        }
        assertThat(drop(stream + "_1")).containsExactly(start + "_1_1");
        assertThat(drop(stream)).containsExactly(start + "_12");
        assertThat(left())
                .containsExactlyInAnyOrder(
                        start, start + "_", start + "_1_", start + "_1x", start + "x_1");

        for (String name : left()) {
            database.query("SELECT pg_replication_origin_drop('" + name + "')");
        }
    }

    @Test
    void aNameBelongsToAtMostOneStream() {
        assertThat(ReplicationOrigins.isOf("a", ReplicationOrigins.name("a", 1))).isTrue();
        assertThat(ReplicationOrigins.isOf("a", "millrace_a_12")).isTrue();
        assertThat(ReplicationOrigins.isOf("a_1", "millrace_a_1_1")).isTrue();
        assertThat(List.of("millrace_a_1_1", "millrace_a_", "millrace_a_x", "millrace_a_1x"))
                .noneMatch(name -> ReplicationOrigins.isOf("a", name));
        assertThat(List.of("millrace_ab_1", "xmillrace_a_1", "millrace_a_\u0661", ""))
                .noneMatch(name -> ReplicationOrigins.isOf("a", name));
        assertThat(ReplicationOrigins.isOf("a", null)).isFalse();
        assertThat(ReplicationOrigins.isOf("_reverse_a", "millrace_a_1")).isFalse();
        assertThat(ReplicationOrigins.isOf("a", "millrace__reverse_a_1")).isFalse();
    }

    @Test
    void othersUseWhatIsNotOfTheStreams() throws SQLException {
        try (Connection connection = login.connect()) {
            int before = ReplicationOrigins.read(connection, List.of(stream)).used();
            create("millrace_" + stream + "_1", "millrace_" + stream + "_1_1");

            assertThat(ReplicationOrigins.read(connection, List.of(stream)).used())
                    .isEqualTo(before + 1);
        } finally {
            assertThat(drop(stream)).hasSize(1);
            assertThat(drop(stream + "_1")).hasSize(1);
        }
    }
}
