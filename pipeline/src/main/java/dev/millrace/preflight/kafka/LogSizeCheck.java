package dev.millrace.preflight.kafka;

import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Findings.Measured;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Kafka;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/// Estimates what the backfill writes to the log, and compares it with the free space of an
/// embedded broker. The estimate is the size of the tables before compression, once for the changes
/// topic and once per mapping for the target topic.
final class LogSizeCheck {

    private LogSizeCheck() {}

    /// @param bytes that the backfill writes to the log
    static List<Finding> judge(MigrationSpec spec, long bytes) {
        return switch (spec.kafka()) {
            case Kafka.Embedded _ -> judge(bytes, spec.dataDir(), free(spec.dataDir()));
            case Kafka.External external ->
                    List.of(
                            Finding.ok(
                                    CheckName.KAFKA_LOG_SIZE,
                                    external.bootstrapServers(),
                                    "the backfill writes about "
                                            + size(bytes)
                                            + " to the log before compression, on each replica"));
        };
    }

    /// @param free bytes under the folder; empty if they cannot be read
    static List<Finding> judge(long bytes, Path dataDir, OptionalLong free) {
        Findings findings = new Findings(CheckName.KAFKA_LOG_SIZE);
        String object = "data-dir " + dataDir;
        String estimate = "the backfill writes about " + size(bytes) + " to the log";
        if (free.isEmpty()) {
            findings.warn(
                    object,
                    estimate + " before compression, and the free space cannot be read",
                    Remedy.byHand("Check the free space yourself."));
            return findings.orOk(object, estimate);
        }
        Measured measured = new Measured(size(free.getAsLong()) + " free", size(bytes));
        String message =
                estimate + " before compression, and " + size(free.getAsLong()) + " are free";
        if (free.getAsLong() < bytes) {
            findings.warn(
                    object,
                    measured,
                    message + "; the embedded broker stops when its disk is full",
                    Remedy.byHand("Free space, or set data-dir to a larger disk."));
        }
        return findings.orOk(object, measured, message);
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
