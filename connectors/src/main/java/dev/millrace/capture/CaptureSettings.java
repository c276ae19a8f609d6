package dev.millrace.capture;

import dev.millrace.change.Topics;
import dev.millrace.postgres.SessionFactory;
import java.util.List;
import java.util.Map;

/// What one capture needs to know. Immutable; prints no password.
///
/// @param generation the generation of the log that this capture writes
/// @param partitions of the changes topic
/// @param kafka client settings for every Kafka client, at least `bootstrap.servers`
/// @param debezium the user's own engine properties, already checked against the ones Millrace owns
public record CaptureSettings(
        String migration,
        int generation,
        String url,
        String username,
        String password,
        List<CapturedTable> tables,
        int partitions,
        Map<String, Object> kafka,
        Map<String, String> debezium) {

    public CaptureSettings {
        tables = List.copyOf(tables);
        kafka = Map.copyOf(kafka);
        debezium = Map.copyOf(debezium);
    }

    CaptureSettings with(List<CapturedTable> other) {
        return new CaptureSettings(
                migration, generation, url, username, password, other, partitions, kafka, debezium);
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
