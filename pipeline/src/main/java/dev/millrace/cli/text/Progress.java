package dev.millrace.cli.text;

import dev.millrace.migration.StatusReport;
import dev.millrace.migration.StatusReport.Backfill;
import dev.millrace.migration.StatusReport.Table;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/// Formats the progress of the backfill. Repeated samples also give its rate. Not thread-safe.
public final class Progress {

    private static final int BAR = 20;

    private final Rate rate = new Rate();

    public void sample(Instant at, StatusReport report) {
        rate.sample(at, rowsDone(report.tables()));
    }

    /// Formats `[####......] 40% 120 of ~300 rows`, without the parts that are unknown.
    public static String of(Backfill backfill) {
        if (backfill.done()) {
            return bar(1) + " done " + Figures.count(backfill.rowsDone()) + " rows";
        }
        Long estimated = backfill.rowsEstimated();
        return share(backfill.rowsDone(), estimated) + rows(backfill.rowsDone(), estimated);
    }

    public String ofAll(StatusReport report) {
        List<Table> tables = report.tables();
        if (isDone(tables)) {
            return bar(1) + " done " + Figures.count(rowsDone(tables)) + " rows";
        }
        Long estimated = rowsEstimated(tables);
        long done = rowsDone(tables);
        return share(done, estimated)
                + rows(done, estimated)
                + ", "
                + pace(report, done, estimated);
    }

    /// `10,500 rows/s, ETA ~12 s`. While the backfill is paused nobody knows when it is done.
    private String pace(StatusReport report, long done, @Nullable Long estimated) {
        boolean isKilled = report.apply() != null && report.apply().killed();
        if (isKilled || report.backfill() != null && report.backfill().paused()) {
            return "paused, ETA " + Figures.UNKNOWN;
        }
        OptionalDouble perSecond = rate.perSecond();
        if (perSecond.isEmpty()) {
            return "estimating rate and ETA";
        }
        String pace = Figures.count(Math.round(perSecond.getAsDouble())) + " rows/s, ETA ";
        if (estimated == null) {
            return pace + Figures.UNKNOWN;
        }
        double seconds = Math.max(0, estimated - done) / perSecond.getAsDouble();
        return pace + "~" + Figures.duration(Duration.ofSeconds(Math.round(seconds)));
    }

    public static boolean isDone(List<Table> tables) {
        return tables.stream().allMatch(table -> table.backfill().done());
    }

    /// Rows of all tables that are read.
    public static long rowsDone(List<Table> tables) {
        return tables.stream().mapToLong(table -> table.backfill().rowsDone()).sum();
    }

    /// Rows of all tables that are or will be read; `null` if an unfinished table has no estimate.
    public static @Nullable Long rowsEstimated(List<Table> tables) {
        long sum = 0;
        for (Table table : tables) {
            Backfill backfill = table.backfill();
            Long estimated = backfill.rowsEstimated();
            if (backfill.done()) {
                sum += backfill.rowsDone();
            } else if (estimated == null) {
                return null;
            } else {
                sum += Math.max(estimated, backfill.rowsDone());
            }
        }
        return sum;
    }

    private static String share(long done, @Nullable Long estimated) {
        if (estimated == null || estimated <= 0) {
            return bar(0) + "   ?% ";
        }
        double share = Math.min(0.99, (double) done / estimated);
        return bar(share) + String.format(Locale.ROOT, " %3d%% ", (int) (share * 100));
    }

    private static String rows(long done, @Nullable Long estimated) {
        return Figures.count(done)
                + (estimated == null ? "" : " of ~" + Figures.count(estimated))
                + " rows";
    }

    private static String bar(double share) {
        int full = (int) (share * BAR);
        return "[" + "#".repeat(full) + ".".repeat(BAR - full) + "]";
    }
}
