package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.capture.EngineProperties.EngineSessions;
import dev.millrace.capture.connector.SnapshotFetch;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Row;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.HostileSettings;
import dev.millrace.postgres.Identifier;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import io.debezium.config.Configuration;
import io.debezium.connector.postgresql.PostgresConnectorConfig;
import io.debezium.jdbc.JdbcConfiguration;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The engine's sessions reach the same server as all others and read the same values.
class EngineSessionsIT {

    /// Opens a session like the engine, for queries or for the stream.
    private static Connection open(CaptureSettings settings, boolean replication)
            throws SQLException {
        JdbcConfiguration engine =
                new PostgresConnectorConfig(
                                Configuration.from(
                                        EngineProperties.of(
                                                settings,
                                                Optional.empty(),
                                                SnapshotFetch.MOST_ROWS)))
                        .getJdbcConfig();
        return new EngineSessions()
                .connect(
                        replication
                                ? JdbcConfiguration.adapt(
                                        engine.edit().with("replication", "database").build())
                                : engine);
    }

    private static CaptureSettings settings(Login login, String url) {
        return new CaptureSettings(
                "shop",
                1,
                url,
                login.name(),
                () -> GrantedLogins.PASSWORD,
                List.of(),
                1,
                Map.of(),
                Map.of(),
                Backfill.ENGINE,
                Optional.empty());
    }

    @Test
    void engineSessionsHavePinnedSettings() throws SQLException {
        TestDatabase hostile = PostgresServer.shared().newDatabase();
        Login login = GrantedLogins.capture("m", hostile);
        HostileSettings.apply(hostile, login);

        try (Connection queries = open(settings(login, hostile.url()), false);
                Connection stream = open(settings(login, hostile.url()), true)) {
            assertThat(HostileSettings.unpinned(queries)).isEmpty();
            assertThat(HostileSettings.unpinned(stream)).isEmpty();
        }
    }

    /// All sessions interpret a URL in the same way. `ADDRESS` is replaced by the server's address,
    /// `PORT` by its port; a database of the name is created.
    @ParameterizedTest
    @CsvSource(
            delimiter = ' ',
            value = {
                "ADDRESS/plain plain",
                "ADDRESS/plain?sslmode=disable&options=-c%20work_mem=1MB&currentSchema=x plain",
                "ADDRESS/plain?socketTimeout=1&loginTimeout=1&ApplicationName=app plain",
                "localhost:PORT/plain plain",
                "[::ffff:127.0.0.1]:PORT/plain plain",
                "127.0.0.1:1,ADDRESS/plain?targetServerType=primary plain",
                "127.0.0.1:1,ADDRESS,127.0.0.1:2/plain plain",
                "ADDRESS/shop%2Beu shop+eu",
                "ADDRESS/shop+eu 'shop eu'",
                "ADDRESS/a%20b%25%2F%3F%26%C3%BC 'a b%/?&ü'"
            })
    void engineReachesSameDatabaseAsOtherSessions(String url, String name) throws SQLException {
        TestDatabase any = PostgresServer.shared().newDatabase();
        String address = any.url().replaceAll("jdbc:postgresql://|/t\\d+$", "");
        createDatabase(any, name);
        String written =
                "jdbc:postgresql://"
                        + url.replace("ADDRESS", address)
                                .replace("PORT", address.substring(address.lastIndexOf(':') + 1));
        CaptureSettings settings = settings(GrantedLogins.capture("m", any), written);

        try (Connection ours = settings.sessions().open("control", Duration.ofSeconds(20));
                Connection queries = open(settings, false);
                Connection stream = open(settings, true)) {
            for (Connection each : List.of(ours, queries, stream)) {
                try (var statement = each.createStatement();
                        var row =
                                statement.executeQuery(
                                        "SELECT current_database(), current_setting('work_mem')")) {
                    row.next();

                    assertThat(row.getString(1)).isEqualTo(name);
                    assertThat(row.getString(2))
                            .as("set by the URL")
                            .isEqualTo(url.contains("work_mem=1MB") ? "1MB" : "4MB");
                }
            }
            assertThat(settings.sessions().database()).isEqualTo(name);
        }
    }

    private static void createDatabase(TestDatabase any, String name) {
        if (any.query("SELECT 1 FROM pg_database WHERE datname = " + Identifier.literal(name))
                .isEmpty()) {
            any.execute("CREATE DATABASE " + Identifier.quote(name) + " TEMPLATE template0");
        }
    }

    @Test
    void capturesValuesUnchangedDespiteHostileSettings() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table(
                    "item",
                    List.of(
                            "id int",
                            "tags text[]",
                            "born timestamptz",
                            "span interval",
                            "price money",
                            "raw bytea",
                            "size float8",
                            "note xml",
                            "days date"),
                    "id",
                    false);
            String values =
                    ", '{a,NULL,\"NULL\"}', '2024-07-01 00:00+02', '1 day 02:03:04', '1234.5',"
                            + " '\\x00ff41', 0.1, '<a/>b', '2024-02-03')";
            scene.source.execute("INSERT INTO item VALUES (1" + values);
            Login application = application(scene);
            HostileSettings.apply(scene.source, scene.login(), application);
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);
            try (Connection connection = application.session("application");
                    var statement = connection.createStatement()) {
                statement.execute("INSERT INTO item VALUES (2" + values);
            }
            scene.awaitWatermark(capture);

            List<Row> rows =
                    scene.log().stream()
                            .filter(ChangeEvent.OfRow.class::isInstance)
                            .map(event -> ((ChangeEvent.OfRow) event).row())
                            .toList();

            assertThat(rows)
                    .extracting(EngineSessionsIT::texts)
                    .containsExactlyInAnyOrder(expected("1"), expected("2"));
        }
    }

    private static Login application(CaptureScene scene) {
        Login login = GrantedLogins.as("application_" + scene.source.name(), scene.source);
        scene.source.execute(
                "CREATE ROLE %s LOGIN PASSWORD '%s'"
                        .formatted(login.name(), GrantedLogins.PASSWORD),
                "GRANT INSERT ON item TO " + login.name());
        return login;
    }

    private static List<@Nullable String> expected(String id) {
        return List.of(
                id,
                "{a,NULL,\"NULL\"}",
                "2024-06-30 22:00:00+00",
                "1 day 02:03:04",
                "$1,234.50",
                "\\x00ff41",
                "0.1",
                "<a/>b",
                "2024-02-03");
    }

    private static List<@Nullable String> texts(Row row) {
        return IntStream.range(0, row.schema().size()).mapToObj(row::text).toList();
    }
}
