package dev.millrace.capture;

import dev.millrace.capture.connector.SnapshotSelect;
import dev.millrace.capture.connector.TextConnector;
import dev.millrace.capture.connector.TextConverter;
import dev.millrace.change.Lsn;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.OutputText;
import dev.millrace.postgres.SessionFactory;
import dev.millrace.sql.Relation;
import io.debezium.jdbc.JdbcConfiguration;
import io.debezium.jdbc.JdbcConnection;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// The engine's properties for one run. Every value that decides exactness is set here and can't be
/// overridden by the user's own; the comment beside it names the loss that it prevents.
final class EngineProperties {

    private static final Duration A_WEEK = Duration.ofDays(7);
    private static final int QUEUE_PART_OF_HEAP = 16;
    private static final long SMALLEST_QUEUE_BYTES = 16L << 20;
    private static final long LARGEST_QUEUE_BYTES = 128L << 20;

    private EngineProperties() {}

    /// @param rowsPerFetch of the snapshot
    static Properties of(CaptureSettings settings, Optional<Lsn> resumeAt, int rowsPerFetch) {
        Properties engine = new Properties();
        performance(engine, rowsPerFetch);
        engine.putAll(settings.debezium());
        identity(engine, settings);
        connection(engine, settings);
        tables(engine, settings);
        exactness(engine);
        resumeAt.ifPresent(
                lsn ->
                        engine.setProperty(
                                BoundaryOffsetStore.BOUNDARY, Long.toString(lsn.value())));
        return engine;
    }

    private static void performance(Properties engine, int rowsPerFetch) {
        engine.setProperty("record.processing.threads", "1");
        engine.setProperty("max.batch.size", "8192");
        engine.setProperty("max.queue.size", "32768");
        engine.setProperty("max.queue.size.in.bytes", Long.toString(queueBytes()));
        // Each change waits half of it on average; the engine spins through its last millisecond.
        engine.setProperty("poll.interval.ms", "25");
        engine.setProperty("snapshot.fetch.size", Integer.toString(rowsPerFetch));
        engine.setProperty("status.update.interval.ms", "1000");
    }

    /// As many are in the batch that is being written.
    private static long queueBytes() {
        return Math.clamp(
                Runtime.getRuntime().maxMemory() / QUEUE_PART_OF_HEAP,
                SMALLEST_QUEUE_BYTES,
                LARGEST_QUEUE_BYTES);
    }

    private static void identity(Properties engine, CaptureSettings settings) {
        String name = "millrace-" + settings.migration();
        engine.setProperty("name", name);
        engine.setProperty("connector.class", TextConnector.class.getName());
        engine.setProperty("topic.prefix", name);
        engine.setProperty("plugin.name", "pgoutput");
        engine.setProperty("slot.name", settings.slot());
        engine.setProperty("publication.name", settings.publication());
        engine.setProperty("offset.storage", BoundaryOffsetStore.class.getName());
        engine.setProperty(BoundaryOffsetStore.ENGINE_NAME, name);
        engine.setProperty(BoundaryOffsetStore.TOPIC_PREFIX, name);
        engine.setProperty(
                "message.prefix.include.list", literal(Watermarks.prefix(settings.migration())));
    }

    private static void connection(Properties engine, CaptureSettings settings) {
        // Every session of the engine is made by this class; what else is said of the address is
        // read by the engine's own checks and messages alone.
        engine.setProperty("database.connection.factory.class", EngineSessions.class.getName());
        engine.setProperty(EngineSessions.MIGRATION, settings.migration());
        engine.setProperty(EngineSessions.URL, settings.url());
        engine.setProperty("database.hostname", "source");
        engine.setProperty("database.port", "5432");
        engine.setProperty("database.dbname", settings.sessions().database());
        engine.setProperty("database.user", settings.username());
        engine.setProperty("database.password", settings.password());
        // The snapshot's statements may compute for long.
        engine.setProperty("database.query.timeout.ms", "0");
    }

    private static void tables(Properties engine, CaptureSettings settings) {
        // The engine ignores case unless told: a table "Item" beside item would be taken for it.
        engine.setProperty(
                "table.include.list",
                settings.tables().stream()
                        .map(table -> table.relation().id())
                        .map(id -> "(?-i)" + literal(id.schema()) + "\\." + literal(id.name()))
                        .collect(Collectors.joining(",")));
        JsonMapper json = JsonMapper.builder().build();
        ObjectNode selects = json.createObjectNode();
        for (CapturedTable table : settings.tables()) {
            selects.put(Identifier.quote(table.relation().id()), select(table.relation()));
        }
        engine.setProperty(SnapshotSelect.SELECTS, json.writeValueAsString(selects));
        engine.setProperty("snapshot.query.mode", "custom");
        engine.setProperty("snapshot.query.mode.custom.name", SnapshotSelect.NAME);
    }

    private static void exactness(Properties engine) {
        // A slot that exists would make the snapshot READ COMMITTED at the current position: rows
        // between are lost.
        engine.setProperty("snapshot.mode", "initial");
        engine.setProperty("snapshot.max.threads", "1");
        // The publication is ours: created by the engine it could name a table without identity and
        // break its updates.
        engine.setProperty("publication.autocreate.mode", "disabled");
        // A failure ends the run; the next run resumes at the boundary. The engine's own restart
        // knows no boundary.
        engine.setProperty("errors.max.retries", "0");
        // A value that can't be converted must not become NULL.
        engine.setProperty("event.converting.failure.handling.mode", "fail");
        engine.setProperty("event.processing.failure.handling.mode", "fail");
        engine.setProperty("include.unknown.datatypes", "true");
        engine.setProperty("converters", "text");
        engine.setProperty("text.type", TextConverter.class.getName());
        engine.setProperty("binary.handling.mode", "bytes");
        engine.setProperty("skipped.operations", "none");
        engine.setProperty("tombstones.on.delete", "false");
        engine.setProperty("provide.transaction.metadata", "false");
        engine.setProperty("heartbeat.interval.ms", "0");
        // Only what we confirm may move the slot; the driver's own keep-alives must not.
        engine.setProperty("lsn.flush.mode", "connector");
        engine.setProperty("offset.flush.interval.ms", "500");
        engine.setProperty("offset.mismatch.strategy", "no_validation");
        engine.setProperty("slot.drop.on.stop", "false");
        // A new slot waits for the transactions that run, and the status names them. Given up after
        // a while, the next one would begin to wait again.
        engine.setProperty("create.slot.command.timeout", Long.toString(A_WEEK.toSeconds()));
        engine.setProperty("task.management.timeout.ms", Long.toString(A_WEEK.toMillis()));
        engine.setProperty("slot.max.retries", "3");
        engine.setProperty("slot.retry.delay.ms", "1000");
        engine.setProperty("schema.refresh.mode", "columns_diff");
    }

    /// Every column as the text that the stream sends. The engine takes the cells by the columns'
    /// positions: a generated column, which the stream doesn't carry, is NULL here and keeps its
    /// place.
    private static String select(Relation relation) {
        return relation.columns().stream()
                .map(EngineProperties::cell)
                .collect(
                        Collectors.joining(
                                ", ", "SELECT ", " FROM " + Identifier.quote(relation.id())));
    }

    private static String cell(Relation.Column column) {
        String name = Identifier.quote(column.name());
        return (column.generated() ? "NULL" : OutputText.of(name, column.type())) + " AS " + name;
    }

    /// A regular expression that matches the text alone; the engine splits its lists at commas that
    /// no backslash guards.
    private static String literal(String text) {
        StringBuilder pattern = new StringBuilder();
        text.codePoints()
                .forEach(
                        c -> {
                            if (c < 128 && !Character.isLetterOrDigit(c) && c != '_') {
                                pattern.append('\\');
                            }
                            pattern.appendCodePoint(c);
                        });
        return pattern.toString();
    }

    /// Opens the engine's sessions as all others are opened: by the user's URL as it is written,
    /// and with the same pinned settings. The engine makes one by its class name for each of its
    /// connections and says what it wants in the configuration.
    public static final class EngineSessions implements JdbcConnection.ConnectionFactory {

        private static final String PREFIX = "database.";
        static final String MIGRATION = PREFIX + "millrace.migration";
        static final String URL = PREFIX + "millrace.url";

        @Override
        public Connection connect(JdbcConfiguration engine) throws SQLException {
            SessionFactory sessions =
                    new SessionFactory(
                            engine.getString(MIGRATION.substring(PREFIX.length())),
                            engine.getString(URL.substring(PREFIX.length())),
                            engine.getUser(),
                            engine.getPassword());
            return engine.getString("replication") == null
                    ? sessions.open("engine", Duration.ZERO)
                    : sessions.openReplication("stream");
        }
    }
}
