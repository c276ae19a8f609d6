package dev.millrace.capture;

import dev.millrace.change.Topics;
import dev.millrace.postgres.SessionFactory;
import dev.millrace.spec.MigrationSpec.Backfill;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/// The settings of one capture. Thread-safe; `toString` contains no password.
///
/// @param generation the generation of the log that the capture writes
/// @param password read again for each run of the engine and each session, because it can be
///   rotated meanwhile
/// @param partitions number of partitions of the changes topic
/// @param kafka settings of every Kafka client, at least `bootstrap.servers`
/// @param debezium the user's engine properties, none of which Millrace sets itself
/// @param backfill how the rows that exist already reach the log
/// @param opposite the stream that writes to this source what it captures on the target; its
///   changes are dropped
public record CaptureSettings(
        String migration,
        int generation,
        String url,
        String username,
        Supplier<String> password,
        List<CapturedTable> tables,
        int partitions,
        Map<String, Object> kafka,
        Map<String, String> debezium,
        Backfill backfill,
        Optional<String> opposite) {

    public CaptureSettings {
        tables = List.copyOf(tables);
        kafka = Map.copyOf(kafka);
        debezium = Map.copyOf(debezium);
    }

    CaptureSettings with(List<CapturedTable> other) {
        return new CaptureSettings(
                migration,
                generation,
                url,
                username,
                password,
                other,
                partitions,
                kafka,
                debezium,
                backfill,
                opposite);
    }

    SessionFactory sessions() {
        return new SessionFactory(migration, url, username, password);
    }

    public Topics topics() {
        return new Topics(migration);
    }

    /// The name of the migration's replication slot on the source.
    public static String slot(String migration) {
        return "millrace_" + migration;
    }

    /// The name of the migration's publication on the source.
    public static String publication(String migration) {
        return "millrace_" + migration;
    }

    String slot() {
        return slot(migration);
    }

    String publication() {
        return publication(migration);
    }

    @Override
    public String toString() {
        return "capture of " + migration + ", generation " + generation;
    }
}
