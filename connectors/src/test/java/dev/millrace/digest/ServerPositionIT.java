package dev.millrace.digest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.grants.Grants.Side;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The condition that tells new row versions from old ones, evaluated by a real server.
class ServerPositionIT {

    private final TestDatabase database = PostgresServer.shared().newDatabase();
    private final Login login = GrantedLogins.reader(Side.SOURCE, database);

    private static final long IDS = 1L << 32;

    /// The server is young, so its last million ids wrap around zero, as after 2^32 transactions.
    @ParameterizedTest
    @ValueSource(longs = {10, 1_000_000, 2_000_000_000})
    void versionsWrittenSinceAreFoundAcrossTheWraparound(long ago) throws Exception {
        try (Connection session = login.connect()) {
            session.setAutoCommit(false);
            long next =
                    Long.parseLong(
                            value(session, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"));
            long first = IDS + next - ago;
            var since = new ServerPosition("a", first, first, Map.of());

            assertThat(found(session, since, first, first + 1, IDS + next - 1)).hasSize(3);
            assertThat(found(session, since, first - 1, first - 1_000, IDS + next + 100_000_000))
                    .isEmpty();
        }
    }

    private static List<String> found(Connection session, ServerPosition since, long... ids)
            throws Exception {
        String values =
                LongStream.of(ids)
                        .mapToObj(id -> "('" + id % IDS + "'::xid)")
                        .collect(Collectors.joining(", "));
        return List.of(
                        value(
                                        session,
                                        "SELECT coalesce(string_agg(x::text, ','), '') FROM (VALUES "
                                                + values
                                                + ") AS v(x) WHERE "
                                                + since.writtenSince("x"))
                                .split(","))
                .stream()
                .filter(text -> !text.isEmpty())
                .toList();
    }

    private static String value(Connection session, String sql) throws Exception {
        try (var statement = session.createStatement();
                var row = statement.executeQuery(sql)) {
            row.next();
            return Objects.requireNonNull(row.getString(1));
        }
    }

    @Test
    void definitionCoversPartitionsColumnsAndEnumLabels() throws Exception {
        TableId root = new TableId("public", "root");
        database.execute(
                "CREATE TYPE mood AS ENUM ('a', 'b')",
                "CREATE TABLE root (id int, mood mood) PARTITION BY RANGE (id)",
                "CREATE TABLE low PARTITION OF root FOR VALUES FROM (0) TO (10)",
                "CREATE TABLE high (id int, mood mood)");
        GrantedLogins.reader(Side.SOURCE, database);
        String first = definition(root);
        database.execute("INSERT INTO root VALUES (1, 'a')", "VACUUM FULL low");
        assertThat(definition(root)).isEqualTo(first);

        database.execute("ALTER TYPE mood RENAME VALUE 'a' TO 'c'");
        String relabelled = definition(root);
        database.execute("ALTER TABLE root ATTACH PARTITION high FOR VALUES FROM (10) TO (20)");
        String attached = definition(root);
        database.execute("ALTER TABLE root RENAME id TO number");

        assertThat(List.of(first, relabelled, attached, definition(root))).doesNotHaveDuplicates();
    }

    private String definition(TableId table) throws Exception {
        try (Connection session = login.session("chunk")) {
            return Objects.requireNonNull(
                    ServerPosition.read(session, List.of(table)).tables().get(table.toString()));
        }
    }
}
