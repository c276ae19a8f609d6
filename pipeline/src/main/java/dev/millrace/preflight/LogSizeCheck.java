package dev.millrace.preflight;

import dev.millrace.postgres.TableFacts;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Kafka;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// Estimates what the backfill writes to the log, and compares it with the free space of an
/// embedded broker. The estimate is the size of the tables before compression, once for the changes
/// topic and once per mapping for the target topic.
final class LogSizeCheck {

    private static final String CHECK = "kafka.log-size";

    private LogSizeCheck() {}

    /// Nothing to report once the migration has begun: its log exists.
    static List<Finding> judge(MigrationSpec spec, Facts facts) {
        if (facts.target().begun() || facts.tables().isEmpty()) {
            return List.of();
        }
        long bytes = estimate(facts);
        return List.of(
                switch (spec.kafka()) {
                    case Kafka.Embedded _ -> judge(bytes, spec.dataDir(), free(spec.dataDir()));
                    case Kafka.External external ->
                            Finding.ok(
                                    CHECK,
                                    external.bootstrapServers(),
                                    "the backfill writes about "
                                            + size(bytes)
                                            + " to the log before compression, on each replica");
                });
    }

    private static long estimate(Facts facts) {
        long changes = facts.sourceTables().stream().mapToLong(TableFacts::bytes).sum();
        long target =
                facts.tables().stream()
                        .flatMap(
                                table ->
                                        Stream.ofNullable(
                                                facts.source().tables().get(table.source().id())))
                        .mapToLong(TableFacts::bytes)
                        .sum();
        return changes + target;
    }

    /// @param free bytes under the folder; empty if they cannot be read
    static Finding judge(long bytes, Path dataDir, OptionalLong free) {
        String object = "data-dir " + dataDir;
        String estimate = "the backfill writes about " + size(bytes) + " to the log";
        if (free.isEmpty()) {
            return Finding.warning(
                    CHECK,
                    object,
                    estimate + " before compression, and the free space cannot be read",
                    "Check the free space yourself.");
        }
        String available = ", and " + size(free.getAsLong()) + " are free";
        return free.getAsLong() >= bytes
                ? Finding.ok(CHECK, object, estimate + " before compression" + available)
                : Finding.warning(
                        CHECK,
                        object,
                        estimate
                                + " before compression"
                                + available
                                + "; the embedded broker stops when its disk is full",
                        "Free space, or set data-dir to a larger disk.");
    }

    /// The folder may not exist yet.
    private static OptionalLong free(Path dataDir) {
        Optional<Path> existing = Optional.of(dataDir);
        while (existing.isPresent() && !Files.exists(existing.get())) {
            existing = Optional.ofNullable(existing.get().getParent());
        }
        try {
            return existing.isEmpty()
                    ? OptionalLong.empty()
                    : OptionalLong.of(Files.getFileStore(existing.get()).getUsableSpace());
        } catch (IOException _) {
            return OptionalLong.empty();
        }
    }

    private static String size(long bytes) {
        return bytes < 1L << 30
                ? (bytes >> 20) + " MiB"
                : String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
    }
}
