package dev.millrace.preflight.capacity;

import dev.millrace.postgres.Session;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Findings.Measured;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.spec.MigrationSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// Compares the WAL that the slot may retain with what the source writes while the existing rows
/// are read, or in an hour in which the service is down. Immutable.
///
/// @param bytesPerSecond the average of the source
/// @param backfill how long the existing rows take at most
public record WalHeadroom(double bytesPerSecond, Duration backfill) {

    private static final long GIB = 1L << 30;

    /// Slower than any measured backfill between two machines.
    private static final long BACKFILL_BYTES_PER_SECOND = 10L << 20;

    private static final Duration OUTAGE = Duration.ofHours(1);

    /// The average since the statistics began, and over an hour at least: a server that has just
    /// started says little about itself.
    private static final String RATE =
            """
            SELECT w.wal_bytes / greatest(extract(epoch FROM
                pg_catalog.clock_timestamp() - w.stats_reset), 3600) FROM pg_catalog.pg_stat_wal w
            """;

    /// @param cap `max_slot_wal_keep_size` in bytes; empty without a limit
    /// @param bytes that the backfill reads
    public static List<Finding> judge(
            MigrationSpec spec, Session source, OptionalLong cap, long bytes) {
        return judge(source.texts(RATE).getFirst().getFirst(), spec.flow().walBudget(), cap, bytes);
    }

    /// @param rate bytes per second as PostgreSQL's text; `null` if the statistics do not say it
    static List<Finding> judge(
            @Nullable String rate, OptionalLong budget, OptionalLong cap, long bytes) {
        if (rate == null && (cap.isPresent() || budget.isPresent())) {
            return List.of(
                    Finding.warning(
                            CheckName.SOURCE_KEPT_WAL,
                            "pg_stat_wal",
                            "does not say how much WAL the source writes, so whether the slot may"
                                    + " retain enough is unknown",
                            Remedy.byHand(
                                    "Compare max_slot_wal_keep_size and wal-budget with the WAL"
                                            + " that the source writes in an hour.")));
        }
        // Without a limit the rate is not compared.
        WalHeadroom headroom =
                new WalHeadroom(
                        rate == null ? 0 : Double.parseDouble(rate),
                        Duration.ofSeconds(bytes / BACKFILL_BYTES_PER_SECOND));
        List<Finding> findings = new ArrayList<>(headroom.ofServer(cap));
        findings.addAll(headroom.ofFile(budget));
        return findings;
    }

    /// Whole GiB, so that a little more WAL does not change what was advised.
    long needed() {
        Duration time = backfill.compareTo(OUTAGE) > 0 ? backfill : OUTAGE;
        return Math.max(1, (long) Math.ceil(bytesPerSecond * time.toSeconds() / GIB)) * GIB;
    }

    List<Finding> ofServer(OptionalLong cap) {
        Findings findings = new Findings(CheckName.SOURCE_KEPT_WAL);
        String setting = "max_slot_wal_keep_size";
        if (cap.isPresent() && cap.getAsLong() < needed()) {
            findings.warn(
                    setting,
                    measured(cap.getAsLong()),
                    "is "
                            + megabytes(cap.getAsLong())
                            + reason()
                            + ": when the service is down or slow for longer, the source"
                            + " invalidates the slot, and every row must be read again"
                            + " (millrace rebackfill)",
                    Remedy.onSource(
                                    "ALTER SYSTEM SET max_slot_wal_keep_size = '"
                                            + megabytes(needed()).replace(" ", "")
                                            + "';",
                                    "SELECT pg_reload_conf();")
                            .note("If the disk of the source has the space."));
        }
        return cap.isPresent()
                ? findings.orOk(setting, measured(cap.getAsLong()), "allows what the slot needs")
                : findings.orOk(setting, "keeps WAL as long as the slot needs it");
    }

    List<Finding> ofFile(OptionalLong budget) {
        Findings findings = new Findings(CheckName.SOURCE_WAL_BUDGET);
        if (budget.isEmpty()) {
            return findings.orOk("wal-budget", "is not declared, so the limit of the source holds");
        }
        if (budget.getAsLong() < needed()) {
            findings.warn(
                    "wal-budget",
                    measured(budget.getAsLong()),
                    "is "
                            + megabytes(budget.getAsLong())
                            + reason()
                            + ": the backfill pauses when it is used up",
                    Remedy.inFile("wal-budget: " + needed() / GIB + "GB"));
        }
        return findings.orOk(
                "wal-budget", measured(budget.getAsLong()), "allows what the slot needs");
    }

    private Measured measured(long bytes) {
        return new Measured(megabytes(bytes), megabytes(needed()));
    }

    private String reason() {
        return String.format(
                Locale.ROOT,
                ", but the source writes %.1f MB of WAL per second on average, and the existing rows take up to %d min",
                bytesPerSecond / (1 << 20),
                Math.max(1, backfill.toMinutes()));
    }

    private static String megabytes(long bytes) {
        return (bytes >> 20) + " MB";
    }
}
