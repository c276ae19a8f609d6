package dev.millrace.ending;

import dev.millrace.capture.CaptureSettings;
import dev.millrace.control.ControlRows;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.StreamObjects;
import dev.millrace.stream.Direction;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Where a migration has left something, and the names by which it is found. The names follow from
/// the migration's name alone, so that an end can continue without looking at any table. Immutable
/// and thread-safe; creating one opens nothing.
///
/// @param comparing the role as which comparisons log in to the source
/// @param archive the file that is written when the migration ends
/// @param folders the local folders that belong to this migration alone
public record Premises(
        String migration,
        Database source,
        Database target,
        String comparing,
        LogServer log,
        Path archive,
        List<Path> folders) {

    /// The Kafka cluster of the migration.
    public interface LogServer {

        /// Client settings; starts the embedded broker if it is the one and does not run.
        Map<String, Object> settings();

        /// The folder of the embedded broker; empty for another cluster.
        Optional<Path> folder();

        /// Stops the embedded broker.
        void stop();
    }

    public Premises {
        folders = List.copyOf(folders);
    }

    /// The archive of a migration under its data-dir.
    public static Path archive(Path dataDir, String migration) {
        return dataDir.resolve(migration + ".archive.json");
    }

    /// The identifiers of both streams.
    List<String> streams() {
        return Stream.of(Direction.FORWARD, Direction.REVERSE)
                .map(direction -> direction.id(migration))
                .toList();
    }

    /// Both databases by name, in the order of the data.
    List<Place> places() {
        return List.of(place("source", source), place("target", target));
    }

    private Place place(String name, Database database) {
        List<String> streams = streams();
        return new Place(
                name,
                database,
                new StreamObjects(
                        database,
                        streams,
                        streams.stream().map(CaptureSettings::slot).toList(),
                        streams.stream().map(CaptureSettings::publication).toList()),
                new ControlRows(database, streams));
    }

    /// One of the databases.
    record Place(String name, Database database, StreamObjects objects, ControlRows rows) {}
}
