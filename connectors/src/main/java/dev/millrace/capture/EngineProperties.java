package dev.millrace.capture;

import dev.millrace.capture.connector.PacedQueue;
import dev.millrace.capture.connector.SnapshotSelect;
import dev.millrace.capture.connector.SourceFields;
import dev.millrace.capture.connector.TableTopics;
import dev.millrace.capture.connector.TextConnector;
import dev.millrace.capture.connector.TextConverter;
import dev.millrace.change.Lsn;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.OutputText;
import dev.millrace.postgres.SessionFactory;
import dev.millrace.spec.MigrationSpec.Backfill;
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

/// The engine's properties for one run. Every property that exactness depends on is set here and
/// cannot be overridden by the user; the comment beside it names the loss that it prevents.
final class EngineProperties {

    private static final Duration A_WEEK = Duration.ofDays(7);

    /// While it streams, the engine runs only short statements.
    private static final Duration SILENCE = Duration.ofMinutes(2);

    private static final int QUEUE_PART_OF_HEAP = 16;
    private static final long SMALLEST_QUEUE_BYTES = 16L << 20;
    private static final long LARGEST_QUEUE_BYTES = 128L << 20;

    private EngineProperties() {}

    /// @param rowsPerFetch fetch size of the snapshot
    static Properties of(CaptureSettings settings, Optional<Lsn> resumeAt, int rowsPerFetch) {
        Properties engine = new Properties();
        performance(engine, rowsPerFetch);
        engine.putAll(settings.debezium());
        identity(engine, settings);
        connection(engine, settings, resumeAt.isPresent() ? SILENCE : Duration.ZERO);
        tables(engine, settings);
        exactness(engine, settings.backfill());
        resumeAt.ifPresent(
                lsn ->
                        engine.setProperty(
                                BoundaryOffsetStore.BOUNDARY, Long.toString(lsn.value())));
        return engine;
    }

    private static void performance(Properties engine, int rowsPerFetch) {
        engine.setProperty("record.processing.threads", "1");
        engine.setProperty("max.batch.size", "16384");
        engine.setProperty("max.queue.size", "65536");
        engine.setProperty("max.queue.size.in.bytes", Long.toString(queueBytes()));
        // A change waits half of this interval on average.
        engine.setProperty("poll.interval.ms", "25");
        engine.setProperty("queue.provider.type", PacedQueue.NAME);
        engine.setProperty("snapshot.fetch.size", Integer.toString(rowsPerFetch));
        engine.setProperty("status.update.interval.ms", "1000");
    }

    /// The batch that is being written contains as many bytes again.
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

    /// @param silence how long the source may send nothing during a statement; zero for no limit,
    ///   as a snapshot needs
    private static void connection(Properties engine, CaptureSettings settings, Duration silence) {
        engine.setProperty(EngineSessions.SILENCE, Long.toString(silence.toSeconds()));
        // [EngineSessions] opens every session of the engine. The engine uses the other address
        // properties only in its checks and messages.
        engine.setProperty("database.connection.factory.class", EngineSessions.class.getName());
        engine.setProperty(EngineSessions.MIGRATION, settings.migration());
        engine.setProperty(EngineSessions.URL, settings.url());
        engine.setProperty("database.hostname", "source");
        engine.setProperty("database.port", "5432");
        engine.setProperty("database.dbname", settings.sessions().database());
        engine.setProperty("database.user", settings.username());
        engine.setProperty("database.password", settings.password().get());
        // The snapshot's queries may run for long.
        engine.setProperty("database.query.timeout.ms", "0");
    }

    private static void tables(Properties engine, CaptureSettings settings) {
        // By default the engine ignores case and would take table "Item" for table item.
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

    private static void exactness(Properties engine, Backfill backfill) {
        // With an existing slot the snapshot would be READ COMMITTED at the current position, and
        // the rows in between would be lost. The slot is therefore dropped before a snapshot.
        // no_data takes no snapshot and needs a stored position, which every such run has.
        engine.setProperty(
                "snapshot.mode",
                switch (backfill) {
                    case ENGINE -> "initial";
                    case WINDOWS -> "no_data";
                });
        engine.setProperty("snapshot.max.threads", "1");
        // Millrace creates the publication. The engine might add a table without a replica
        // identity, which would make its updates fail.
        engine.setProperty("publication.autocreate.mode", "disabled");
        // A failure ends the run, and the next run resumes at the boundary. The engine's own
        // restart does not know the boundary.
        engine.setProperty("errors.max.retries", "0");
        // A value that cannot be converted must not become NULL.
        engine.setProperty("event.converting.failure.handling.mode", "fail");
        engine.setProperty("event.processing.failure.handling.mode", "fail");
        engine.setProperty("include.unknown.datatypes", "true");
        engine.setProperty("topic.naming.strategy", TableTopics.class.getName());
        engine.setProperty("sourceinfo.struct.maker", SourceFields.class.getName());
        engine.setProperty("converters", "text");
        engine.setProperty("text.type", TextConverter.class.getName());
        engine.setProperty("binary.handling.mode", "bytes");
        engine.setProperty("skipped.operations", "none");
        engine.setProperty("tombstones.on.delete", "false");
        engine.setProperty("provide.transaction.metadata", "false");
        engine.setProperty("heartbeat.interval.ms", "0");
        // Only positions that Millrace confirms may advance the slot; the driver's keep-alives must
        // not.
        engine.setProperty("lsn.flush.mode", "connector");
        engine.setProperty("offset.flush.interval.ms", "500");
        engine.setProperty("offset.mismatch.strategy", "no_validation");
        engine.setProperty("slot.drop.on.stop", "false");
        // The creation of a slot waits for all running transactions, which the status names. A
        // retry after a timeout would start the wait again.
        engine.setProperty("create.slot.command.timeout", Long.toString(A_WEEK.toSeconds()));
        engine.setProperty("task.management.timeout.ms", Long.toString(A_WEEK.toMillis()));
        engine.setProperty("slot.max.retries", "3");
        engine.setProperty("slot.retry.delay.ms", "1000");
        engine.setProperty("schema.refresh.mode", "columns_diff");
    }

    /// Selects every column as the text that the stream sends. The engine reads cells by column
    /// position, so a generated column, which the stream does not carry, is selected as NULL.
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

    /// A regular expression that matches only the text. The engine splits its lists at unescaped
    /// commas.
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

    /// Opens the engine's sessions in the same way as all others: with the user's URL unchanged and
    /// the pinned settings. The engine instantiates this class by name for each connection and
    /// passes its configuration. Thread-safe.
    public static final class EngineSessions implements JdbcConnection.ConnectionFactory {

        private static final String PREFIX = "database.";
        static final String MIGRATION = PREFIX + "millrace.migration";
        static final String URL = PREFIX + "millrace.url";
        static final String SILENCE = PREFIX + "millrace.silence.seconds";

        @Override
        public Connection connect(JdbcConfiguration engine) throws SQLException {
            SessionFactory sessions =
                    new SessionFactory(
                            engine.getString(MIGRATION.substring(PREFIX.length())),
                            engine.getString(URL.substring(PREFIX.length())),
                            engine.getUser(),
                            engine.getPassword());
            return engine.getString("replication") == null
                    ? sessions.open(
                            "engine",
                            Duration.ofSeconds(
                                    Long.parseLong(
                                            engine.getString(SILENCE.substring(PREFIX.length())))))
                    : sessions.openReplication("stream");
        }
    }
}
