package dev.millrace.capture;

import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.testing.JavaCommand;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import io.debezium.embedded.Connect;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.RecordChangeEvent;
import io.debezium.engine.format.ChangeEventFormat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;

/// Runs the Debezium connector without Millrace's changes in a separate process, with its offsets
/// in a file. It appends the key of each event to a file, its log, confirms each batch, and halts
/// when the log has a number of keys.
final class StockConnector implements AutoCloseable {

    private static final int HALTED = 137;

    private final Process process;
    private final Path folder;

    private StockConnector(Process process, Path folder) {
        this.process = process;
        this.folder = folder;
    }

    /// @param classPath of the child
    /// @param folder of the offsets and the log
    /// @param haltAt keys in the log; 0 for never
    static StockConnector start(
            List<String> classPath, TestDatabase source, Path folder, int haltAt)
            throws IOException {
        Login login = GrantedLogins.capture("m", source, "public.item");
        return new StockConnector(
                new ProcessBuilder(
                                JavaCommand.of("-Xmx256m")
                                        .over(classPath)
                                        .main(
                                                StockConnector.class.getName(),
                                                source.url(),
                                                login.name(),
                                                GrantedLogins.PASSWORD,
                                                folder.toString(),
                                                Integer.toString(haltAt)))
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("output-" + haltAt).toFile())
                        .start(),
                folder);
    }

    static Path folder() {
        return TestFolders.create("stock");
    }

    boolean hasHalted() {
        return !process.isAlive() && process.exitValue() == HALTED;
    }

    /// The keys in their order.
    List<String> log() {
        return log(folder);
    }

    private static List<String> log(Path folder) {
        Path file = folder.resolve("log");
        try {
            return Files.exists(file) ? Files.readAllLines(file) : List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    public static void main(String[] arguments) throws Exception {
        URI source = URI.create(arguments[0].substring("jdbc:".length()));
        Path folder = Path.of(arguments[3]);
        int haltAt = Integer.parseInt(arguments[4]);
        Properties engine = new Properties();
        engine.setProperty("name", "stock");
        engine.setProperty("connector.class", "io.debezium.connector.postgresql.PostgresConnector");
        engine.setProperty("topic.prefix", "stock");
        engine.setProperty("plugin.name", "pgoutput");
        engine.setProperty("slot.name", "stock");
        engine.setProperty("publication.name", "stock");
        engine.setProperty("publication.autocreate.mode", "disabled");
        engine.setProperty("database.hostname", source.getHost());
        engine.setProperty("database.port", Integer.toString(source.getPort()));
        engine.setProperty("database.dbname", source.getPath().substring(1));
        engine.setProperty("database.user", arguments[1]);
        engine.setProperty("database.password", arguments[2]);
        engine.setProperty("table.include.list", "public.item");
        engine.setProperty("snapshot.mode", "no_data");
        engine.setProperty("max.batch.size", "5");
        engine.setProperty("offset.flush.interval.ms", "0");
        engine.setProperty("tombstones.on.delete", "false");
        engine.setProperty(
                "offset.storage", "org.apache.kafka.connect.storage.FileOffsetBackingStore");
        engine.setProperty("offset.storage.file.filename", folder.resolve("offsets").toString());
        try (DebeziumEngine<RecordChangeEvent<SourceRecord>> running =
                DebeziumEngine.create(ChangeEventFormat.of(Connect.class))
                        .using(engine)
                        .notifying(
                                (records, committer) -> append(folder, records, committer, haltAt))
                        .build()) {
            running.run();
        }
    }

    private static void append(
            Path folder,
            List<RecordChangeEvent<SourceRecord>> records,
            DebeziumEngine.RecordCommitter<RecordChangeEvent<SourceRecord>> committer,
            int haltAt)
            throws InterruptedException {
        List<String> keys = new ArrayList<>();
        for (RecordChangeEvent<SourceRecord> each : records) {
            keys.add(String.valueOf(((Struct) each.record().key()).get("id")));
        }
        try {
            Files.write(
                    folder.resolve("log"),
                    keys,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        for (RecordChangeEvent<SourceRecord> each : records) {
            committer.markProcessed(each);
        }
        committer.markBatchFinished();
        if (haltAt > 0 && log(folder).size() >= haltAt) {
            Runtime.getRuntime().halt(HALTED);
        }
    }
}
