package dev.millrace.digest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.grants.Grants.Side;
import dev.millrace.mapping.Mapping;
import dev.millrace.sql.Relation.SqlType;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Connections that a [Chunker] uses again behave as new ones.
class KeptConnectionsIT {

    private static final TableId TABLE = new TableId("public", "item");

    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final TestDatabase target = PostgresServer.shared().newDatabase();
    private final ChunkerIT.Reader sourceReader = new ChunkerIT.Reader(Side.SOURCE, source);
    private final ChunkerIT.Reader targetReader = new ChunkerIT.Reader(Side.TARGET, target);
    private final List<Connection> opened = new ArrayList<>();
    private final Chunker chunker = new Chunker("m", "topic", this::open, targetReader::open);
    private final Mapping mapping =
            new Mapping(
                    TABLE,
                    RowSchema.keyed(TABLE, List.of("id"), List.of("id")),
                    List.of(new SqlType("pg_catalog", "integer", "integer", -1, Optional.empty())),
                    "SELECT id FROM public.item",
                    "",
                    new ChunkerIT.NoMapper());

    private Connection open() throws SQLException {
        Connection connection = sourceReader.open();
        opened.add(connection);
        return connection;
    }

    @BeforeEach
    void tables() {
        source.execute("CREATE TABLE item (id int PRIMARY KEY)", "INSERT INTO item VALUES (1)");
        target.execute("CREATE TABLE item (id int PRIMARY KEY)");
        chunker.keepConnections();
    }

    @AfterEach
    void release() {
        chunker.releaseConnections();
    }

    private long count() {
        try (SourceSnapshot snapshot = chunker.openSource(chunker.table(mapping))) {
            return snapshot.count();
        }
    }

    private long backends() {
        return Long.parseLong(
                String.valueOf(
                        source.value(
                                "SELECT count(*) FROM pg_stat_activity WHERE datname ="
                                        + " current_database() AND pid <> pg_backend_pid()")));
    }

    @Test
    void eachSnapshotIsNewOnTheSameConnection() {
        assertThat(count()).isEqualTo(1);

        source.execute("INSERT INTO item VALUES (2)");

        assertThat(count()).isEqualTo(2);
        assertThat(opened).hasSize(1);
    }

    @Test
    void twoSnapshotsAtATimeHaveTheirOwn() {
        ComparedTable table = chunker.table(mapping);
        try (SourceSnapshot one = chunker.openSource(table)) {
            source.execute("INSERT INTO item VALUES (2)");
            try (SourceSnapshot other = chunker.openSource(table)) {
                assertThat(one.count()).isEqualTo(1);
                assertThat(other.count()).isEqualTo(2);
            }
        }
        assertThat(opened).hasSize(2);
    }

    @Test
    void aBrokenOneIsReplaced() {
        assertThat(count()).isEqualTo(1);
        source.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                        + " WHERE datname = current_database() AND pid <> pg_backend_pid()");

        assertThat(count()).isEqualTo(1);
        assertThat(opened).hasSize(2);
    }

    @Test
    void noneIsUsedAgainAfterACancellation() {
        assertThat(count()).isEqualTo(1);

        chunker.cancelStatements();

        assertThat(count()).isEqualTo(1);
        assertThat(opened.getFirst()).matches(KeptConnectionsIT::isClosed);
    }

    private static boolean isClosed(Connection connection) {
        try {
            return connection.isClosed();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void releasedOnesAreClosed() {
        assertThat(count()).isEqualTo(1);
        assertThat(backends()).isPositive();

        chunker.releaseConnections();

        Awaitility.await().until(() -> backends() == 0);
        assertThat(count()).isEqualTo(1);
        Awaitility.await().until(() -> backends() == 0);
    }
}
